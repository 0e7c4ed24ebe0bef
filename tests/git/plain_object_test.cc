#include "git/plain_object.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "git/example_objects.h"
#include "git/plain_tree.h"
#include "git/received_pack.h"

namespace refsyncd {
namespace {

const ExampleParts parts;

TEST(PlainObject, IsWhatGitHasNothingToSayAbout) {
  for (const auto& [what, object, plain] : example_objects(parts))
    EXPECT_EQ(read_plain(object.type, object.content).has_value(), plain) << object.type << ": " << what;
}

TEST(PlainObject, LosesThatWhereverItIsCutOff) {
  for (const auto& rows : {example_commits(parts), example_tags(parts)}) {
    const auto& [type, content] = rows.front().object;
    for (size_t length = 0; length < content.find("\n\n") + 2; ++length)
      EXPECT_FALSE(read_plain(type, content.substr(0, length))) << content.substr(0, length);
  }
}

TEST(PlainObject, ACommitNamesItsTreeAndItsParents) {
  const auto commit = read_plain(GIT_OBJECT_COMMIT, example_commits(parts).front().object.content);
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->names, (std::vector<NamedObject>{{id_of(parts.tree), GIT_OBJECT_TREE},
                                                     {id_of(parts.commit), GIT_OBJECT_COMMIT}}));
}

TEST(PlainObject, ATagNamesItsTarget) {
  const auto tag = read_plain(GIT_OBJECT_TAG, example_tags(parts).front().object.content);
  ASSERT_TRUE(tag);
  EXPECT_EQ(tag->names, (std::vector<NamedObject>{{id_of(parts.commit), GIT_OBJECT_COMMIT}}));
}

TEST(PlainObject, ATreeNamesItsEntriesButNotCommitsOfSubmodules) {
  const auto file = id_of(parts.file);
  const auto folder = id_of(parts.tree);
  const auto tree = read_plain(
      GIT_OBJECT_TREE, tree_entry("100644", ".gitattributes", file) + tree_entry("120000", "b", file) +
                           tree_entry("40000", "c", folder) + tree_entry("160000", "d", folder));
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->names, (std::vector<NamedObject>{
                             {file, GIT_OBJECT_BLOB}, {file, GIT_OBJECT_BLOB}, {folder, GIT_OBJECT_TREE}}));
  EXPECT_EQ(tree->attributes, std::vector{file});
}

TEST(PlainObject, AFileMayHoldAnything) {
  EXPECT_TRUE(read_plain(GIT_OBJECT_BLOB, parts.hostile_file.content));
  EXPECT_FALSE(read_plain(GIT_OBJECT_INVALID, ""));
}

TEST(PlainAttributes, HaveNoLongLinesAndAreNoLargeFile) {
  const std::string longest(2047, 'x');
  EXPECT_TRUE(are_plain_attributes(""));
  EXPECT_TRUE(are_plain_attributes("* text=auto\n*.png binary\n"));
  EXPECT_TRUE(are_plain_attributes(longest + "\n" + longest));
  EXPECT_FALSE(are_plain_attributes("a\n" + longest + "x"));
  EXPECT_FALSE(are_plain_attributes(longest + "x\n"));
  EXPECT_FALSE(are_plain_attributes(std::string(most_attribute_bytes + 1, '\n')));
}

TEST(PlainEntryName, IsOneThatNoSystemMistakesForAnother) {
  for (const std::string_view name : {"a",
                                      "README.md",
                                      ".gitignore",
                                      ".gitattributes",
                                      ".mailmap",
                                      ".github",
                                      ".gitlab-ci.yml",
                                      ".gitkeep",
                                      ".git-blame-ignore-revs",
                                      ".gitreview",
                                      ".gitmessage",
                                      ".gitmodules.md",
                                      "gitmodules",
                                      ".a",
                                      "...a",
                                      "a.",
                                      "a b",
                                      "git",
                                      "na\xC3\xAFve.txt",
                                      "a\xE2\x80\x99s",
                                      "caf\xC3\xA9",
                                      ".\xC3\xA4",
                                      "Makefile",
                                      "-",
                                      "[x]"}) {
    EXPECT_TRUE(is_plain_entry_name(name)) << name;
  }
  for (const std::string_view name : {"",
                                      ".",
                                      "..",
                                      "a/b",
                                      "/",
                                      "a\\b",
                                      ".git",
                                      ".GIT",
                                      ".Git",
                                      ".git ",
                                      ".git.",
                                      ".git. .",
                                      ".git:x",
                                      "git~1",
                                      "GIT~1",
                                      ".gitmodules",
                                      ".GITMODULES",
                                      ".gitmodules ",
                                      "gitmod~1",
                                      "gi7eba~1",
                                      "a:b",
                                      "a~",
                                      "...",
                                      ". ",
                                      ".gitignore.",
                                      ".GitIgnore",
                                      ".mailmap ",
                                      ".MailMap",
                                      ".gitHub",
                                      ".g\xE2\x80\x8Cit",
                                      "\xE2\x80\x8C.git",
                                      "\xEF\xBB\xBF.git",
                                      ".git\xE2\x80\x8C",
                                      ".gitattributes.",
                                      ".gitattributes:x",
                                      ".gitAttributes",
                                      "\\.git"}) {
    EXPECT_FALSE(is_plain_entry_name(name)) << name;
  }
  EXPECT_TRUE(is_plain_entry_name(std::string(255, 'a')));
  EXPECT_FALSE(is_plain_entry_name(std::string(256, 'a')));
}

/// Gives everything that is taken to be plain to git, in one pack.
class PlainForGit : public ReceivedPack {
 protected:
  PlainForGit() {
    for (const auto& object : parts.all()) known[id_of(object)] = object.type;
  }
  /// Keeps the object when it is plain; of what names something else than `parts` git would complain for
  /// that.
  void offer(const MadeObject& object) {
    ++offered;
    const auto read = read_plain(object.type, object.content);
    if (!read) return;
    for (const auto& [id, type] : read->names) {
      const auto found = known.find(id);
      if (found == known.end() || found->second != type) return;
    }
    for (const auto& id : read->attributes) {
      if (id == id_of(parts.hostile_file)) return;
    }
    kept.try_emplace(id_of(object), object);
  }
  /// What git says of everything kept.
  std::string complaints() const {
    auto objects = parts.all();
    for (const auto& [id, object] : kept) {
      if (!known.contains(id)) objects.push_back(object);
    }
    const auto strict = "--strict=zeroPaddedFilemode=ignore,missingSpaceBeforeDate=ignore,badTimezone=ignore";
    const auto finished =
        run_command({.arguments = {"/usr/bin/git", "-C", target.string(), "index-pack", "--stdin", strict},
                     .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"},
                     .input = made_pack(objects)});
    return finished.ok() ? finished.error : "refused: " + finished.error;
  }

  std::map<ObjectId, git_object_t> known;
  std::map<ObjectId, MadeObject> kept;
  size_t offered = 0;
};

TEST_F(PlainForGit, GitWouldComplain) {
  for (const auto& name : {".GIT", ".gitmodules", ".gitattributes"}) {
    const MadeObject tree{GIT_OBJECT_TREE, tree_entry("100644", name, id_of(parts.hostile_file))};
    kept = {{id_of(tree), tree}};
    EXPECT_THAT(complaints(), testing::HasSubstr("refused")) << name;
  }
}

TEST_F(PlainForGit, GitHasNoComplaintAboutTheExamples) {
  for (const auto& row : example_objects(parts)) offer(row.object);
  EXPECT_GT(kept.size(), 25U);
  EXPECT_EQ(complaints(), "");
}

TEST_F(PlainForGit, GitHasNoComplaintAboutExamplesThatWereChanged) {
  const auto rows = example_objects(parts);
  std::mt19937 dice(1);
  const auto below = [&](size_t most) { return std::uniform_int_distribution<size_t>(0, most - 1)(dice); };
  const std::string bytes("\0\n <>+-/.:~\\0129afzAZ\xE2\x80\x8C\xEF", 25);
  for (int i = 0; i < 60'000; ++i) {
    auto object = rows[below(rows.size())].object;
    for (size_t changes = 1 + below(2); changes > 0 && !object.content.empty(); --changes) {
      auto& text = object.content;
      const auto at = below(text.size());
      const auto kind = below(4);
      if (kind == 0) text.erase(at, 1 + below(3));
      if (kind == 1) text.insert(at, 1, bytes[below(bytes.size())]);
      if (kind == 2) text[at] = bytes[below(bytes.size())];
      if (kind == 3) text.insert(at, text.substr(below(text.size()), below(80)));
    }
    offer(object);
  }
  EXPECT_GT(kept.size(), 1'000U);
  EXPECT_EQ(complaints(), "");
}

/// Ways to write a name that some system may take for it.
std::set<std::string> variants_of(const std::string& name) {
  std::set<std::string> variants{name};
  for (const std::string end : {"", " ", ".", ". .", ":", ":x", "::$INDEX_ALLOCATION", "~1", "/", "\\", "x"})
    variants.insert(name + end);
  for (const std::string ignored : {"\xE2\x80\x8C", "\xE2\x80\x8F", "\xE2\x80\xAA", "\xE2\x80\xAE",
                                    "\xE2\x81\xAA", "\xE2\x81\xAF", "\xEF\xBB\xBF"}) {
    for (size_t at = 0; at <= name.size(); ++at) variants.insert(std::string(name).insert(at, ignored));
  }
  for (size_t at = 0; at < name.size(); ++at) {
    auto other = name;
    other[at] = static_cast<char>(std::toupper(static_cast<unsigned char>(other[at])));
    variants.insert(other);
    variants.insert(name.substr(0, at) + "~1");
    variants.insert(name.substr(0, at));
  }
  for (const auto& variant : std::set(variants)) {
    variants.insert("a\\" + variant);
    variants.insert(" " + variant);
  }
  return variants;
}

TEST_F(PlainForGit, GitHasNoComplaintAboutNames) {
  const auto id = id_of(parts.hostile_file);
  for (const std::string name : {".git", ".gitmodules", ".gitattributes", ".gitignore", ".mailmap", "git~1",
                                 "gitmod~1", "gi7eba~1", "gi7d29~1", "gitatt~1", "..", ".", "a"}) {
    for (const auto& variant : variants_of(name)) {
      offer({GIT_OBJECT_TREE, tree_entry("100644", variant, id)});
      offer({GIT_OBJECT_TREE, tree_entry("120000", variant, id)});
      offer({GIT_OBJECT_TREE, tree_entry("40000", variant, id_of(parts.tree))});
    }
  }
  EXPECT_GT(kept.size(), 100U);
  EXPECT_LT(kept.size(), offered);
  EXPECT_EQ(complaints(), "");
}

}  // namespace
}  // namespace refsyncd
