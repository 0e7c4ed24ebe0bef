// Objects of a pack, which come from upstreams. The first byte chooses the type. Whatever is called plain
// libgit2 reads as an object of that type; nothing breaks what looks at the rest.
#include <git2.h>

#include <cstdint>
#include <string_view>

#include "git/libgit2.h"
#include "git/pack_index.h"
#include "git/plain_object.h"
#include "require.h"

namespace refsyncd {
namespace {

constexpr git_object_t types[] = {GIT_OBJECT_COMMIT, GIT_OBJECT_TREE, GIT_OBJECT_TAG, GIT_OBJECT_BLOB};

void look_at(git_object_t type, std::string_view content) {
  are_plain_attributes(content);
  const auto object = read_plain(type, content);
  if (!object) return;
  int valid = 0;
  git_object_rawcontent_is_valid(&valid, content.data(), content.size(), type);
  require(valid == 1, "libgit2 reads what is plain");
  require(object->attributes.size() <= object->names.size(), "attributes are among what is named");
  for (const auto& named : object->names)
    require(!named.id.absent(), "nothing plain names the id that stands for nothing");
}

}  // namespace
}  // namespace refsyncd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return -1;
  refsyncd::prepare_libgit2();
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  refsyncd::look_at(refsyncd::types[data[0] % 4], content);
  refsyncd::read_pack_index(content);
  return 0;
}
