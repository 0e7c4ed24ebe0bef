#include "git/pack_index.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "git/real_git.h"

namespace refsyncd {
namespace {

class PackIndexTest : public RealGit {
 protected:
  PackIndexTest() {
    const auto first = commit(repository, "one");
    set_ref(repository, "refs/heads/main", commit(repository, "two", {first}));
    plain_git(repository, {"repack", "-q", "-a", "-d"});
    for (const auto& entry : std::filesystem::directory_iterator(repository / "objects/pack")) {
      if (entry.path().extension() == ".idx") path = entry.path();
    }
    content = read_file(path);
  }

  std::filesystem::path repository = make_bare("app.git");
  std::filesystem::path path;
  std::string content;
};

TEST_F(PackIndexTest, ListsWhatGitLists) {
  std::vector<PackedObject> listed;  // "offset id (checksum)"
  const auto told = plain_git(repository, {"show-index"}, content);
  for (const auto line : split(told, '\n')) {
    const auto words = split(line, ' ');
    listed.push_back(
        {*ObjectId::from_hex(words[1]), static_cast<uint32_t>(std::stoul(std::string(words[0])))});
  }
  EXPECT_EQ(listed.size(), 6U);
  EXPECT_EQ(read_pack_index(content), listed);
}

TEST_F(PackIndexTest, IsWholeOrNone) {
  for (size_t length = 0; length < content.size(); length += 3)
    EXPECT_FALSE(read_pack_index(content.substr(0, length))) << length;
  EXPECT_FALSE(read_pack_index(content + "x"));
  auto older = content;
  older[7] = 1;
  EXPECT_FALSE(read_pack_index(older));
}

TEST_F(PackIndexTest, CountsNoMoreThanItHolds) {
  auto many = content;
  many.replace(8 + 255 * 4, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_FALSE(read_pack_index(many));
}

TEST_F(PackIndexTest, HoldsNoObjectTwice) {
  auto twice = content;
  const size_t ids = 8 + 256 * 4;
  twice.replace(ids + 20, 20, twice, ids, 20);
  EXPECT_FALSE(read_pack_index(twice));
}

}  // namespace
}  // namespace refsyncd
