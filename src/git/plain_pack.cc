#include "git/plain_pack.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "git/pack_index.h"
#include "git/plain_object.h"

namespace refsyncd {
namespace {

/// So many different objects may be named.
constexpr size_t most_named = 20'000;
constexpr size_t sum_bytes = 20;  // at the end of a pack

using OwnedContent = Owned<git_odb_object, git_odb_object_free>;

struct ObjectHeader {
  git_object_t type = GIT_OBJECT_INVALID;  ///< this one when the object is missing or cannot be read
  size_t size = 0;
};

ObjectHeader header_of(const Objects& objects, const ObjectId& id) {
  const auto oid = to_oid(id);
  ObjectHeader header;
  if (git_odb_read_header(&header.size, &header.type, objects.database(), &oid) != 0) return {};
  return header;
}

/// Nothing when it is missing or damaged.
OwnedContent content_of(const Objects& objects, const ObjectId& id) {
  const auto oid = to_oid(id);
  git_odb_object* found = nullptr;
  return OwnedContent(git_odb_read(&found, objects.database(), &oid) == 0 ? found : nullptr);
}

std::string_view bytes_of(const git_odb_object& object) {
  auto* const handle = const_cast<git_odb_object*>(&object);  // libgit2's signatures
  return {static_cast<const char*>(git_odb_object_data(handle)), git_odb_object_size(handle)};
}

/// One look at a pack, to be taken in this order. Each question that is answered with false ends it.
class PackLook {
 public:
  explicit PackLook(const Objects& objects) : objects_(objects) {}

  bool is_plain(const PackedObject& sent);
  bool named_are_there();
  bool attributes_are_plain() const;
  bool self_contained() const { return self_contained_; }

 private:
  bool note(const PlainObject& object);

  const Objects& objects_;
  using Types = std::unordered_map<ObjectId, git_object_t, ObjectIdHash>;
  Types sent_;
  Types named_;
  ObjectIdSet attributes_;
  bool self_contained_ = true;
};

bool PackLook::is_plain(const PackedObject& sent) {
  const auto type = header_of(objects_, sent.id).type;
  sent_[sent.id] = type;
  if (type == GIT_OBJECT_BLOB) return true;
  const auto content = content_of(objects_, sent.id);
  if (!content) return false;
  const auto object = read_plain(type, bytes_of(*content));
  return object && note(*object);
}

/// False when one object is named as two things, or too many are.
bool PackLook::note(const PlainObject& object) {
  for (const auto& named : object.names) {
    if (named_.try_emplace(named.id, named.type).first->second != named.type) return false;
  }
  attributes_.insert(object.attributes.begin(), object.attributes.end());
  return named_.size() <= most_named;
}

bool PackLook::named_are_there() {
  return std::all_of(named_.begin(), named_.end(), [this](const auto& named) {
    const auto& [id, type] = named;
    if (const auto found = sent_.find(id); found != sent_.end()) return found->second == type;
    self_contained_ = false;
    return header_of(objects_, id).type == type;
  });
}

bool PackLook::attributes_are_plain() const {
  return std::all_of(attributes_.begin(), attributes_.end(), [this](const ObjectId& id) {
    if (header_of(objects_, id).size > most_attribute_bytes) return false;
    const auto content = content_of(objects_, id);
    return content && are_plain_attributes(bytes_of(*content));
  });
}

/// Drops the bases that were added to a thin pack, and sorts the rest as it stands in the pack; nothing when
/// that is not what was sent.
std::optional<std::vector<PackedObject>> objects_sent(std::optional<std::vector<PackedObject>> objects,
                                                      const SentPack& sent) {
  if (!objects) return std::nullopt;
  const auto added = [end = sent.bytes - sum_bytes](const auto& object) { return object.offset >= end; };
  objects->erase(std::remove_if(objects->begin(), objects->end(), added), objects->end());
  if (objects->size() != sent.objects) return std::nullopt;
  std::sort(objects->begin(), objects->end(),
            [](const auto& one, const auto& other) { return one.offset < other.offset; });
  return objects;
}

}  // namespace

std::optional<PlainPack> find_plain(const Objects& objects, const std::filesystem::path& index,
                                    const SentPack& sent) {
  auto in_pack = read_pack_index(read_file(index));
  // What an added base names is nobody's look: such a pack is not self-contained.
  const bool thin = in_pack && in_pack->size() != sent.objects;
  const auto packed = objects_sent(std::move(in_pack), sent);
  if (!packed) return std::nullopt;
  PackLook look(objects);
  for (const auto& object : *packed) {
    if (!look.is_plain(object)) return std::nullopt;
  }
  if (!look.named_are_there() || !look.attributes_are_plain()) return std::nullopt;
  return PlainPack{.self_contained = !thin && look.self_contained()};
}

}  // namespace refsyncd
