#include "git/plain_pack.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "git/example_objects.h"
#include "git/pack_indexer.h"
#include "git/received_pack.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;

const ExampleParts parts;

MadeObject tree_of(const std::string& entries) { return {GIT_OBJECT_TREE, entries}; }
MadeObject tree_with(const std::string& mode, const std::string& name, const MadeObject& object) {
  return tree_of(tree_entry(mode, name, id_of(object)));
}
MadeObject commit_of(const MadeObject& tree) {
  return {GIT_OBJECT_COMMIT, with(parts.commit.content, id_of(parts.tree).hex(), id_of(tree).hex())};
}

class PlainPackTest : public ReceivedPack {
 protected:
  /// From now on every git of ours fails.
  void break_git() const {
    const auto configuration = folder / "state/gitconfig";
    std::filesystem::remove(configuration);
    std::ofstream(configuration) << "[broken";
  }
  /// What stands in the target, and in the scratch repository that is laid aside there.
  std::set<std::string> files_of_target() const {
    make_scratch();
    std::set<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(target))
      files.insert(entry.path().string());
    return files;
  }
  /// What becomes of a pack; "" when it is taken.
  std::string refusal(const std::string& pack, ErrorKind kind) const {
    const auto before = files_of_target();
    std::string words;
    try {
      ingest(make_scratch(), pack, Verify::fsck);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      words = error.what();
    }
    EXPECT_EQ(files_of_target(), before) << words;
    return words;
  }
  std::string refusal(const std::vector<MadeObject>& objects, ErrorKind kind = ErrorKind::untrusted) const {
    return refusal(made_pack(objects), kind);
  }
  /// The target has these objects from now on, whatever they are.
  void give(const std::vector<MadeObject>& objects) const {
    plain_git(target, {"index-pack", "--stdin"}, made_pack(objects));
  }
  std::optional<PlainPack> look(const std::string& pack, size_t objects) const {
    const auto scratch = make_scratch();
    const auto index = index_pack(scratch, pack);
    if (!index) throw std::runtime_error("libgit2 does not take the pack");
    return find_plain(Objects(scratch.path()), *index, {.objects = objects, .bytes = pack.size()});
  }
  std::optional<PlainPack> look(const std::vector<MadeObject>& objects) const {
    return look(made_pack(objects), objects.size());
  }
};

TEST_F(PlainPackTest, APlainPackStartsNoGit) {
  const auto pack = made_pack(parts.all());
  break_git();
  const auto scratch = make_scratch();
  const auto result = ingest(scratch, pack, Verify::fsck);
  EXPECT_EQ(result.objects, 4U);
  EXPECT_TRUE(result.self_contained);
  EXPECT_TRUE(scratch.reader().contains(id_of(parts.commit)));
}

TEST_F(PlainPackTest, AFirstPullOfAPlainPackStartsNoGitEither) {
  const auto pack = made_pack(parts.all());
  break_git();
  EXPECT_TRUE(ingest(make_scratch(), pack, Verify::fsck, true).self_contained);
}

TEST_F(PlainPackTest, ACommitOnTopOfWhatIsThereStartsNoGit) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 100; ++i) files[fmt::format("file{:03}", i)] = fmt::format("{}\n", i);
  files[".gitignore"] = "*.o\n";
  files[".gitattributes"] = "* text=auto\n";
  files[".github/workflows/ci.yml"] = "on: push\n";
  const auto old = commit_files(files);
  files["file050"] = "changed\n";
  const auto next = commit_files(files, {old}, 1);
  give_target(old);
  const auto pack = pack_of({next}, {old});
  break_git();
  const auto result = ingest(make_scratch(), pack, Verify::fsck);
  EXPECT_EQ(result.objects, 3U);
  EXPECT_FALSE(result.self_contained) << "most files were there before";
}

TEST_F(PlainPackTest, BasesThatAreAddedAreNotLookedAt) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 100; ++i) files[fmt::format("file{:03}", i)] = fmt::format("{}\n", i);
  auto odd = files;
  odd["file050~"] = "x\n";
  const auto old = commit_files(odd);
  const auto next = commit_files(files, {old}, 1);
  give_target(old);
  const auto pack = pack_of({next}, {old});
  ASSERT_LT(pack.size(), 1'000U) << "the tree is no delta: the test proves nothing";
  break_git();
  EXPECT_EQ(ingest(make_scratch(), pack, Verify::fsck).objects, 2U);
}

/// The base's tree is gone, and nobody looks for it: a ref must not come to name the base unseen.
TEST_F(PlainPackTest, APackThatNeedsABaseIsNotSelfContained) {
  const auto base = commit_of(tree_with("100644", "gone", parts.file));
  give({base});
  const auto sent = whole_object(parts.file) + whole_object(parts.tree) + object_based_on(base, parts.commit);
  const auto found = look(pack_around(3, sent), 3);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->self_contained);
  const auto odd_zone = with(parts.commit.content, "1 +0000\n", "1 +051800\n");
  const auto for_git = pack_around(4, sent + whole_object({GIT_OBJECT_COMMIT, odd_zone}));
  ASSERT_FALSE(look(for_git, 4));
  EXPECT_FALSE(ingest(make_scratch(), for_git, Verify::fsck, true).self_contained);
}

TEST_F(PlainPackTest, WhatGitRefusesIsRefusedInItsWordsAndLeavesNothing) {
  const auto bad = [](const MadeObject& object) {
    auto all = parts.all();
    all.push_back(object);
    return all;
  };
  const auto file = [](const std::string& name) { return tree_with("100644", name, parts.file); };
  EXPECT_THAT(refusal(bad(file(".git"))), HasSubstr("hasDotgit"));
  EXPECT_THAT(refusal(bad(file("GIT~1"))), HasSubstr("hasDotgit"));
  EXPECT_THAT(refusal(bad(file(".g\xE2\x80\x8Cit"))), HasSubstr("hasDotgit"));
  EXPECT_THAT(refusal(bad(file(".."))), HasSubstr("hasDotdot"));
  EXPECT_THAT(refusal(bad(file("a/b"))), HasSubstr("fullPathname"));
  EXPECT_THAT(refusal(bad(tree_with("120000", ".gitmodules", parts.file))), HasSubstr("gitmodulesSymlink"));
  EXPECT_THAT(refusal(bad(tree_with("100644", ".gitmodules", parts.hostile_file))),
              HasSubstr("gitmodulesUrl"));
  EXPECT_THAT(refusal(bad(tree_with("100644", ".GitModules", parts.hostile_file))),
              HasSubstr("gitmodulesUrl"));
  EXPECT_THAT(refusal(bad(tree_with("100644", ".gitattributes", parts.hostile_file))),
              HasSubstr("gitattributesLineLength"));
  EXPECT_THAT(refusal(bad(tree_of(tree_entry("100644", "b", id_of(parts.file)) +
                                  tree_entry("100644", "a", id_of(parts.file))))),
              HasSubstr("treeNotSorted"));
  EXPECT_THAT(refusal(bad({GIT_OBJECT_COMMIT, with(parts.commit.content, "<a@example.com>", "")})),
              HasSubstr("missingEmail"));
  EXPECT_THAT(refusal(bad({GIT_OBJECT_COMMIT, parts.commit.content + std::string(1, '\0')})),
              HasSubstr("nulInCommit"));
  EXPECT_THAT(refusal(bad({GIT_OBJECT_TAG, "object " + id_of(parts.commit).hex() +
                                               "\ntype commit\ntag v1\ntagger A <a> x +0000\n\n"})),
              HasSubstr("badDate"));
}

TEST_F(PlainPackTest, WhatIsUnusualButHarmlessIsTakenByGit) {
  const MadeObject modules{GIT_OBJECT_BLOB, "[submodule \"a\"]\n\tpath = a\n\turl = https://example.com/a\n"};
  const std::vector<std::vector<MadeObject>> packs{
      {parts.file, tree_with("100644", "a~", parts.file)},
      {parts.file, tree_with("100644", "a\xEF\xBC\x81", parts.file), tree_with("0100644", "a", parts.file)},
      {modules, tree_with("100644", ".gitmodules", modules)},
      {parts.file,
       parts.tree,
       parts.commit,
       {GIT_OBJECT_TAG, "object " + id_of(parts.commit).hex() + "\ntype commit\ntag v1\n\nold\n"}},
      {parts.file,
       parts.tree,
       {GIT_OBJECT_COMMIT, with(parts.commit.content, "author A <a@example.com>", "author  <>")}},
  };
  for (const auto& objects : packs) {
    EXPECT_FALSE(look(objects));
    const auto scratch = make_scratch();
    EXPECT_EQ(ingest(scratch, made_pack(objects), Verify::fsck).objects, objects.size());
    EXPECT_TRUE(scratch.reader().contains(id_of(objects.back())));
  }
}

TEST_F(PlainPackTest, WhatIsForGitIsTakenBackBeforeGitSeesIt) {
  const auto pack = made_pack({parts.file, tree_with("100644", "a~", parts.file)});
  break_git();
  const auto scratch = make_scratch();
  EXPECT_THROW(ingest(scratch, pack, Verify::fsck), Error);
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path() / "objects/pack"));
}

TEST_F(PlainPackTest, AFileIsLookedAtWhenItIsNamedNotOnlyWhenItComes) {
  EXPECT_EQ(refusal({parts.hostile_file}), "") << "as such it is harmless";
  give({parts.hostile_file});
  for (const std::string name : {".gitattributes", ".gitmodules"}) {
    const auto tree = tree_with("100644", name, parts.hostile_file);
    EXPECT_FALSE(look({tree}));
    EXPECT_THAT(refusal({tree, commit_of(tree)}),
                HasSubstr(name == ".gitmodules" ? "gitmodulesUrl" : "gitattributesLineLength"));
  }
}

TEST_F(PlainPackTest, LargeAttributesAreForGitToRead) {
  const MadeObject large{GIT_OBJECT_BLOB, std::string(most_attribute_bytes + 1, '\n')};
  const std::vector<MadeObject> objects{large, tree_with("100644", ".gitattributes", large)};
  EXPECT_FALSE(look(objects));
  EXPECT_EQ(refusal(objects), "");
}

TEST_F(PlainPackTest, WhatAnObjectNamesIsThereAndOfTheRightType) {
  EXPECT_FALSE(look({parts.tree})) << "without its file";
  EXPECT_FALSE(look({parts.commit})) << "without its tree";
  EXPECT_TRUE(look({parts.tree, parts.file}));
  EXPECT_FALSE(look({parts.file, tree_with("40000", "a", parts.file)})) << "a file as a tree";
  EXPECT_FALSE(look({parts.file, parts.tree, tree_with("100644", "a", parts.tree)})) << "a tree as a file";
  EXPECT_FALSE(look({parts.file, commit_of(parts.file)})) << "a file as a commit's tree";
  const MadeObject tag{GIT_OBJECT_TAG,
                       "object " + id_of(parts.file).hex() + "\ntype tree\ntag v1\ntagger A <> 1 +0000\n\n"};
  EXPECT_FALSE(look({parts.file, tag})) << "a file that a tag says is a tree";
  EXPECT_NE(refusal({parts.commit}, ErrorKind::transient), "");
  EXPECT_NE(refusal({parts.file, tree_with("40000", "a", parts.file)}, ErrorKind::transient), "");
}

TEST_F(PlainPackTest, WhatWasThereBeforeCountsToo) {
  give({parts.file, parts.tree});
  const auto found = look({parts.commit});
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->self_contained);
  EXPECT_FALSE(look({tree_with("40000", "a", parts.file)})) << "a file as a tree";
}

TEST_F(PlainPackTest, ASubmodulesCommitNeedNotBeThere) {
  EXPECT_TRUE(look({tree_with("160000", "a", parts.commit)}));
}

TEST_F(PlainPackTest, AnObjectThatIsSentTwiceIsNotPlain) {
  EXPECT_EQ(refusal({parts.file}, ErrorKind::transient), "");
  EXPECT_NE(refusal({parts.file, parts.file}, ErrorKind::transient), "");
}

TEST_F(PlainPackTest, SaysNothingOfAnotherPackThanWasSent) {
  EXPECT_TRUE(look(made_pack({parts.file}), 1));
  EXPECT_FALSE(look(made_pack({parts.file}), 2));
}

}  // namespace
}  // namespace refsyncd
