#include "git/ref_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <thread>

#include "base/error.h"
#include "git/real_git.h"

namespace refsyncd {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;

class RefFilesTest : public RealGit {
 protected:
  /// What libgit2 reads, much more slowly.
  static std::vector<RefValue> read_by_libgit2(const std::filesystem::path& repository) {
    const ObjectReader reader(repository);
    auto all = reader.refs_below("refs/heads/");
    for (auto& tag : reader.refs_below("refs/tags/")) all.push_back(std::move(tag));
    return all;
  }
  static std::string as_text(const std::vector<RefValue>& refs) {
    std::string text;
    for (const auto& ref : refs) text += fmt::format("{} {}\n", ref.id.hex(), ref.name);
    return text;
  }
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << content;
  }
  static void make_old(const std::filesystem::path& file) {
    std::filesystem::last_write_time(file,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  ErrorKind kind_of_failure(const std::filesystem::path& repository) const {
    try {
      read_refs(repository);
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "read " << repository;
    return ErrorKind::internal;
  }

  std::filesystem::path path = make_bare("a.git");
  ObjectId one = commit(path, "one");
  ObjectId two = commit(path, "two", {one});
};

TEST_F(RefFilesTest, AFileOfItsOwnWinsOverPackedRefs) {
  for (const auto* name : {"refs/heads/a", "refs/heads/b/c", "refs/tags/v1", "refs/notes/x"})
    set_ref(path, name, one);
  plain_git(path, {"pack-refs", "--all"});
  set_ref(path, "refs/heads/b/c", two);
  set_ref(path, "refs/heads/z", two);
  EXPECT_EQ(
      read_refs(path),
      (std::vector<RefValue>{
          {"refs/heads/a", one}, {"refs/heads/b/c", two}, {"refs/heads/z", two}, {"refs/tags/v1", one}}));
}

TEST_F(RefFilesTest, AStampStaysAsLongAsTheRefsDo) {
  const auto stamp = [&] { return RefSnapshot(path).stamp(); };
  set_ref(path, "refs/heads/a", one);
  set_ref(path, "refs/heads/b", one);
  std::vector<std::string> seen{stamp()};
  EXPECT_NE(seen.back(), "");
  EXPECT_EQ(stamp(), seen.back());
  const auto changes_after = [&](const std::string& what) {
    EXPECT_THAT(seen, Not(Contains(stamp()))) << what;
    seen.push_back(stamp());
  };
  write("refs/heads/a", two.hex() + "\n");
  changes_after("a file was written in place");
  plain_git(path, {"pack-refs", "--all"});
  EXPECT_EQ(stamp(), "") << "packed-refs is new: the next one may have the same time and size";
  make_old(path / "packed-refs");
  changes_after("refs were packed");
  set_ref(path, "refs/heads/b", two);
  changes_after("a packed ref has a file again");
  plain_git(path, {"update-ref", "-d", "refs/heads/a"});
  make_old(path / "packed-refs");
  changes_after("a packed ref is gone");
  write("refs/heads/link", "ref: refs/heads/b\n");
  EXPECT_EQ(stamp(), "") << "what a symbolic ref leads to may change elsewhere";
}

TEST_F(RefFilesTest, AStampIsOfTheValuesThatWereRead) {
  set_ref(path, "refs/heads/a", one);
  RefSnapshot snapshot(path);
  set_ref(path, "refs/heads/a", two);
  EXPECT_EQ(snapshot.values(), (std::vector<RefValue>{{"refs/heads/a", one}}));
  EXPECT_NE(snapshot.stamp(), RefSnapshot(path).stamp());
}

TEST_F(RefFilesTest, TellsOfFilesThatSayNothing) {
  set_ref(path, "refs/heads/a", one);
  EXPECT_FALSE(RefSnapshot(path).any_broken());
  write("refs/tags/v1", "");
  EXPECT_TRUE(RefSnapshot(path).any_broken());
}

TEST_F(RefFilesTest, NeedsNoPackedRefsAndNoRefs) {
  EXPECT_THAT(read_refs(path), IsEmpty());
  set_ref(path, "refs/heads/main", one);
  EXPECT_EQ(read_refs(path), (std::vector<RefValue>{{"refs/heads/main", one}}));
}

TEST_F(RefFilesTest, FollowsSymbolicRefsAndLeavesOutThoseThatLeadNowhere) {
  set_ref(path, "refs/heads/main", one);
  set_ref(path, "refs/notes/far", two);
  plain_git(path, {"pack-refs", "--all"});
  write("refs/heads/alias", "ref: refs/heads/main\n");
  write("refs/heads/chain", "ref: refs/heads/alias\n");
  write("refs/heads/elsewhere", "ref: refs/notes/far  \n");
  write("refs/heads/dangling", "ref: refs/heads/none\n");
  write("refs/heads/loop", "ref: refs/heads/loop\n");
  write("refs/heads/outside", "ref: ../../config\n");
  write("refs/heads/nothing", "ref: \n");
  EXPECT_EQ(read_refs(path), (std::vector<RefValue>{{"refs/heads/alias", one},
                                                    {"refs/heads/chain", one},
                                                    {"refs/heads/elsewhere", two},
                                                    {"refs/heads/main", one}}));
  EXPECT_EQ(read_refs(path), read_by_libgit2(path));
}

TEST_F(RefFilesTest, ABrokenFileHidesTheRefAlsoWhenItIsPacked) {
  for (const auto* name : {"refs/heads/a", "refs/heads/b", "refs/heads/c", "refs/heads/good"})
    set_ref(path, name, one);
  plain_git(path, {"pack-refs", "--all"});
  write("refs/heads/a", "");
  write("refs/heads/b", "not an id\n");
  write("refs/heads/c", two.hex() + "x\n");
  write("refs/heads/d", two.hex().substr(1) + "\n");
  write("refs/heads/locked.lock", two.hex() + "\n");
  write("refs/heads/bad name", two.hex() + "\n");
  EXPECT_EQ(read_refs(path), (std::vector<RefValue>{{"refs/heads/good", one}}));
  EXPECT_EQ(read_refs(path), read_by_libgit2(path));
}

TEST_F(RefFilesTest, DirectoriesThatDeletedRefsLeftHideNothing) {
  set_ref(path, "refs/heads/a", one);
  plain_git(path, {"pack-refs", "--all"});
  std::filesystem::create_directories(path / "refs/heads/a/b/c");
  EXPECT_EQ(read_refs(path), (std::vector<RefValue>{{"refs/heads/a", one}}));
}

TEST_F(RefFilesTest, PackedRefsMayBeUnsortedAndSayThingsTwice) {
  write("packed-refs",
        fmt::format("{0} refs/tags/v\n^{1}\n{0} refs/heads/b\n{1} refs/heads/a\n{1} refs/heads/b\n{0} "
                    "refs/heads/x..y\n{0} HEAD\n",
                    one.hex(), two.hex()));
  EXPECT_EQ(read_refs(path),
            (std::vector<RefValue>{{"refs/heads/a", two}, {"refs/heads/b", two}, {"refs/tags/v", one}}));
  EXPECT_EQ(read_refs(path), read_by_libgit2(path));
}

TEST_F(RefFilesTest, SaysWhatItCannotRead) {
  EXPECT_EQ(kind_of_failure(folder / "none.git"), ErrorKind::not_found);
  std::filesystem::create_directories(folder / "no-repository");
  EXPECT_EQ(kind_of_failure(folder / "no-repository"), ErrorKind::bad_config);
  write("packed-refs", "no id refs/heads/a\n");
  EXPECT_EQ(kind_of_failure(path), ErrorKind::internal);
  std::filesystem::create_directories(path / "reftable");
  EXPECT_EQ(kind_of_failure(path), ErrorKind::bad_config);
}

TEST_F(RefFilesTest, ReadsOneFileAsItStands) {
  set_ref(path, "refs/heads/main", one);
  write("refs/heads/alias", "ref: refs/heads/main\n");
  write("refs/heads/broken", "x");
  EXPECT_EQ(read_ref_file(path, "refs/heads/main")->id, one);
  EXPECT_EQ(read_ref_file(path, "refs/heads/alias")->target, "refs/heads/main");
  EXPECT_TRUE(read_ref_file(path, "refs/heads/broken")->id.absent());
  EXPECT_FALSE(read_ref_file(path, "refs/heads/none").has_value());
  EXPECT_FALSE(read_ref_file(path, "refs/heads/main/below").has_value());
}

/// A repository that was used for a while, with everything in it that may be there.
class RandomRefs : public RefFilesTest, public testing::WithParamInterface<unsigned> {
 protected:
  int dice(int sides) { return std::uniform_int_distribution(0, sides - 1)(random_); }
  std::string name() {
    auto text = fmt::format("refs/{}/{}", dice(3) == 0 ? "tags" : "heads", dice(12));
    if (dice(3) == 0) text += fmt::format("/{}", dice(4));
    return text;
  }
  std::string content() {
    switch (dice(8)) {
      case 0: return "";
      case 1: return "garbage\n";
      case 2: return "ref: " + name() + "\n";
      case 3: return one.hex();
      case 4: return two.hex() + " \n";
      default: return (dice(2) == 0 ? one : two).hex() + "\n";
    }
  }
  void write_if_possible(const std::string& ref) {
    std::error_code problem;
    std::filesystem::create_directories((path / ref).parent_path(), problem);
    if (!std::filesystem::is_directory(path / ref)) std::ofstream(path / ref, std::ios::binary) << content();
  }

 private:
  std::mt19937 random_{GetParam()};
};

TEST_P(RandomRefs, AreReadAsLibgit2ReadsThem) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (int i = dice(30); i > 0; --i) {
    const auto peeled = dice(4) == 0 ? "^" + one.hex() + "\n" : "";
    auto ref = name();
    lines.emplace_back(ref, fmt::format("{} {}\n{}", (dice(2) == 0 ? one : two).hex(), ref, peeled));
  }
  std::string packed;
  if (dice(2) == 0) {
    packed = "# pack-refs with: peeled fully-peeled sorted \n";
    std::sort(lines.begin(), lines.end());
    const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
    lines.erase(std::unique(lines.begin(), lines.end(), same_name), lines.end());
  }
  for (const auto& [ref, line] : lines) packed += line;
  if (dice(6) != 0) write("packed-refs", packed);
  for (int i = dice(30); i > 0; --i) write_if_possible(name());
  for (int i = dice(4); i > 0; --i) {
    std::error_code in_the_way;
    std::filesystem::create_directories(path / name(), in_the_way);
  }
  EXPECT_EQ(as_text(read_refs(path)), as_text(read_by_libgit2(path)));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRefs, testing::Range(0U, 60U));

TEST_F(RefFilesTest, SeesEveryRefWhilePackingAndUpdatingGoOn) {
  for (int i = 0; i < 20; ++i) set_ref(path, fmt::format("refs/heads/{}", i), one);
  std::jthread others([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (const auto& value : {two, one}) {
        set_ref(path, "refs/heads/7", value);
        plain_git(path, {"pack-refs", "--all"});
      }
    }
  });
  for (int i = 0; i < 2'000; ++i) {
    const auto seen = read_refs(path);
    ASSERT_EQ(seen.size(), 20U);
    for (const auto& ref : seen) ASSERT_TRUE(ref.id == one || (ref.id == two && ref.name == "refs/heads/7"));
  }
}

}  // namespace
}  // namespace refsyncd
