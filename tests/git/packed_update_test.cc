#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "git/ref_files.h"
#include "git/ref_target.h"

namespace refsyncd {
namespace {

using std::filesystem::exists;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int several = 12;  // worth a packed-refs

std::string branch(int number) { return fmt::format("refs/heads/topic/{:02}", number); }

/// A repository of packed refs, several of which move at once. Whatever git would have made of it must come
/// out.
class PackedUpdateTest : public RefTarget {
 protected:
  PackedUpdateTest() {
    for (int number = 0; number < several; ++number) set_ref(path, branch(number), first);
    plain_git(path, {"pack-refs", "--all"});
  }

  std::vector<RefUpdate> moves(const ObjectId& value, const ObjectId& expected) const {
    std::vector<RefUpdate> updates;
    for (int number = 0; number < several; ++number) updates.push_back({branch(number), value, expected});
    return updates;
  }
  ObjectId tag(const std::string& name) const {
    plain_git(path, {"tag", "-a", "-m", "message", name, first.hex()});
    const auto made = value("refs/tags/" + name);
    plain_git(path, {"update-ref", "-d", "refs/tags/" + name});
    return made;
  }
  std::string packed() const { return read_file(path / "packed-refs"); }
  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path / "refs")) {
      if (!entry.is_directory()) found.insert(entry.path().lexically_relative(path).string());
    }
    return found;
  }
};

TEST_F(PackedUpdateTest, WritesWhatGitWrites) {
  const auto annotated = tag("annotated");
  set_ref(path, "refs/tags/old", annotated);
  set_ref(path, "refs/tags/gone", annotated);
  plain_git(path, {"pack-refs", "--all"});
  const auto twin = folder / "twin.git";
  std::filesystem::copy(path, twin, std::filesystem::copy_options::recursive);
  auto updates = moves(second, first);
  updates.push_back({"refs/heads/a", first, absent});
  updates.push_back({"refs/heads/topic-0", first, absent});
  updates.push_back({"refs/tags/new", annotated, absent});
  updates.push_back({"refs/tags/old", second, annotated});
  updates.push_back({"refs/tags/gone", absent, annotated});
  updates.push_back({branch(3) + "0", first, absent});
  EXPECT_THAT(update(updates), IsEmpty());
  EXPECT_THAT(files(), IsEmpty());
  std::string input;
  for (const auto& wanted : updates)
    input += fmt::format("update {} {} {}\n", wanted.name, wanted.value.hex(), wanted.expected.hex());
  plain_git(twin, {"update-ref", "--stdin"}, input);
  plain_git(twin, {"pack-refs", "--all"});
  EXPECT_EQ(packed(), read_file(twin / "packed-refs"));
  EXPECT_EQ(plain_git(path, {"show-ref", "-d"}), plain_git(twin, {"show-ref", "-d"}));
  plain_git(path, {"fsck", "--strict"});
  EXPECT_FALSE(exists(path / "refs/heads/topic")) << "the locks' folder is left";
}

TEST_F(PackedUpdateTest, IsNoticedByWhoeverReadsRefs) {
  const auto before = read_refs(path);
  EXPECT_THAT(update(moves(second, first)), IsEmpty());
  const auto after = read_refs(path);
  ASSERT_EQ(after.size(), before.size());
  for (const auto& ref : after) EXPECT_EQ(ref.id, second) << ref.name;
  EXPECT_EQ(RefSnapshot(path).stamp(), "") << "the next one might look the same";
}

TEST_F(PackedUpdateTest, ARefThatMovedIsLeftAloneAndTheOthersMove) {
  set_ref(path, branch(1), second);
  plain_git(path, {"pack-refs", "--all"});
  auto updates = moves(commit(path, "third"), first);
  updates.push_back({"refs/heads/vanished", second, first});
  EXPECT_THAT(update(updates), ElementsAre(branch(1), "refs/heads/vanished"));
  EXPECT_EQ(value(branch(1)), second);
  EXPECT_EQ(value(branch(2)), updates.at(2).value);
  EXPECT_THAT(update(moves(second, absent)), testing::SizeIs(several - 1)) << "one holds what we want";
}

TEST_F(PackedUpdateTest, ARefWithAFileOfItsOwnKeepsIt) {
  set_ref(path, branch(1), second);
  set_ref(path, branch(2), second);
  const auto third = commit(path, "third");
  auto updates = moves(third, first);
  updates.at(1).expected = second;
  EXPECT_THAT(update(updates), ElementsAre(branch(2))) << "what packed-refs says of it is out of date";
  EXPECT_THAT(files(), ElementsAre(branch(1), branch(2)));
  EXPECT_EQ(value(branch(1)), third);
  EXPECT_EQ(value(branch(2)), second);
  EXPECT_EQ(value(branch(3)), third);
}

TEST_F(PackedUpdateTest, AHeldLockIsToldAndTheOthersMove) {
  std::filesystem::create_directories((path / branch(5)).parent_path());
  std::ofstream(path / (branch(5) + ".lock")).flush();
  const auto left = update_telling(moves(second, first));
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].name, branch(5));
  EXPECT_THAT(left[0].obstacle, HasSubstr("File exists"));
  EXPECT_EQ(value(branch(5)), first);
  EXPECT_EQ(value(branch(6)), second);
  EXPECT_THAT(files(), ElementsAre(branch(5) + ".lock"));
}

TEST_F(PackedUpdateTest, FewRefsMoveWhileSomebodyHoldsPackedRefs) {
  std::ofstream(path / "packed-refs.lock").flush();
  EXPECT_THAT(update(moves(second, first)), IsEmpty());
  EXPECT_EQ(files().size(), static_cast<size_t>(several));
  EXPECT_EQ(value(branch(0)), second);
}

TEST_F(PackedUpdateTest, SoDoManyByGit) {
  std::vector<RefUpdate> creations;
  for (int number = 0; number < 70; ++number)
    creations.push_back({fmt::format("refs/heads/many/{}", number), first, absent});
  ASSERT_THAT(update(creations), IsEmpty());
  std::ofstream(path / "packed-refs.lock").flush();
  auto updates = creations;
  for (auto& move : updates) {
    move.expected = first;
    move.value = second;
  }
  EXPECT_THAT(update(updates), IsEmpty());
  EXPECT_EQ(value("refs/heads/many/69"), second);
  for (auto& creation : creations) creation.name += "-new";
  EXPECT_THROW(update(creations), LockHeld);
  for (auto& deletion : updates) deletion = {deletion.name, absent, second};
  EXPECT_THROW(update(updates), Error);
}

TEST_F(PackedUpdateTest, ASymbolicRefAmongThemNeverMovesTheRefItPointsTo) {
  plain_git(path, {"symbolic-ref", "refs/heads/alias", branch(0)});
  std::vector<RefUpdate> updates{{"refs/heads/alias", second, first}};
  for (int number = 1; number < several; ++number) updates.push_back({branch(number), second, first});
  EXPECT_THAT(update(updates), IsEmpty());
  EXPECT_EQ(value("refs/heads/alias"), second);
  EXPECT_EQ(value(branch(0)), first);
  EXPECT_EQ(value(branch(1)), second);
}

TEST_F(PackedUpdateTest, NamesInTheWayAreLeftOut) {
  set_ref(path, "refs/heads/file", first);
  set_ref(path, "refs/heads/folder/file", first);
  auto updates = moves(second, first);
  for (const auto* name : {"refs/heads/file/x", "refs/heads/folder", "refs/heads/topic"})
    updates.push_back({name, second, absent});
  updates.push_back({branch(0) + "/x", second, absent});
  EXPECT_THAT(update(updates),
              ElementsAre("refs/heads/file/x", "refs/heads/folder", "refs/heads/topic", branch(0) + "/x"));
  EXPECT_EQ(value(branch(0)), second);
  plain_git(path, {"fsck", "--strict"});
}

TEST_F(PackedUpdateTest, OfNewNamesInTheWayOfEachOtherOneIsMade) {
  auto updates = moves(second, first);
  updates.push_back({"refs/heads/a", second, absent});
  updates.push_back({"refs/heads/a/b", second, absent});
  EXPECT_THAT(update(updates), testing::SizeIs(1));
  EXPECT_NE(value("refs/heads/a").absent(), value("refs/heads/a/b").absent());
  updates = moves(first, second);
  updates.push_back({"refs/heads/c/d", second, absent});
  updates.push_back({"refs/heads/c", second, absent});
  EXPECT_THAT(update(updates), testing::SizeIs(1));
  EXPECT_NE(value("refs/heads/c").absent(), value("refs/heads/c/d").absent());
}

TEST_F(PackedUpdateTest, DeletesPackedRefsAndThoseWithFiles) {
  set_ref(path, branch(1), second);
  auto updates = moves(absent, first);
  updates.at(1).expected = second;
  updates.at(2).expected = second;
  updates.push_back({"refs/heads/topic", first, absent});
  EXPECT_THAT(update(updates), testing::UnorderedElementsAre(branch(2), "refs/heads/topic"));
  EXPECT_EQ(read_refs(path), (std::vector<RefValue>{{branch(2), first}}));
  EXPECT_THAT(update({{branch(2), absent, first}, {"refs/heads/topic", first, absent}}), IsEmpty());
  EXPECT_EQ(read_refs(path), (std::vector<RefValue>{{"refs/heads/topic", first}}));
}

TEST_F(PackedUpdateTest, ABranchNamesCommitsOnlyAndNothingNamesWhatIsMissing) {
  const auto blob = *ObjectId::from_hex(plain_git(path, {"hash-object", "-w", "--stdin"}, "x"));
  auto updates = moves(second, first);
  updates.push_back({"refs/heads/blob", blob, absent});
  updates.push_back({"refs/tags/blob", blob, absent});
  updates.push_back({"refs/tags/bad", *ObjectId::from_hex(std::string(40, '1')), absent});
  EXPECT_THAT(update(updates), ElementsAre("refs/heads/blob", "refs/tags/bad"));
  EXPECT_EQ(value("refs/tags/blob"), blob);
}

TEST_F(PackedUpdateTest, AReflogIsWrittenWhenTheRepositoryKeepsOne) {
  plain_git(path, {"config", "core.logAllRefUpdates", "true"});
  EXPECT_THAT(update(moves(second, first)), IsEmpty());
  EXPECT_THAT(plain_git(path, {"reflog", "show", branch(7)}), HasSubstr(second.hex().substr(0, 7)));
}

/// Somebody else moves the same refs at the same time, one by one, each from the value it has.
TEST_F(PackedUpdateTest, AgainstGitExactlyOneSideWinsEachRef) {
  wait_long_for_locks();
  auto now = first;
  size_t our_wins = 0;
  size_t their_wins = 0;
  for (int round = 0; round < 12; ++round) {
    const auto ours = commit(path, fmt::format("our {}", round));
    const auto theirs = commit(path, fmt::format("their {}", round));
    std::set<std::string> they_won;
    std::jthread other([&] {
      for (int number = several; number-- > 0;) {
        try {
          plain_git(path, {"update-ref", branch(number), theirs.hex(), now.hex()});
          they_won.insert(branch(number));
        } catch (const std::runtime_error&) {
        }
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 3));
    std::set<std::string> we_won;
    const auto wanted = moves(ours, now);
    for (const auto& move : wanted) we_won.insert(move.name);
    for (const auto& name : update(wanted)) we_won.erase(name);
    other.join();
    std::string next;
    for (const auto& move : wanted) {
      EXPECT_NE(we_won.contains(move.name), they_won.contains(move.name)) << move.name << ", round " << round;
      EXPECT_EQ(value(move.name), we_won.contains(move.name) ? ours : theirs) << move.name;
      next += fmt::format("update {} {}\n", move.name, ours.hex());
    }
    plain_git(path, {"update-ref", "--stdin"}, next);
    plain_git(path, {"pack-refs", "--all"});
    our_wins += we_won.size();
    their_wins += they_won.size();
    now = ours;
  }
  EXPECT_GT(our_wins, 0U);
  EXPECT_GT(their_wins, 0U);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(PackedUpdateTest, NoMoveIsLostToWhoeverPacksRefs) {
  wait_long_for_locks();
  std::jthread packer([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      try {
        plain_git(path, {"pack-refs", "--all"});
      } catch (const std::runtime_error&) {  // we held the lock for too long
      }
    }
  });
  auto now = first;
  for (int round = 0; round < 60; ++round) {
    const auto next = now == first ? second : first;
    if (round % 4 == 0) {  // a file to be packed
      set_ref(path, branch(round % several), next);
      set_ref(path, branch(round % several), now);
    }
    EXPECT_THAT(update(moves(next, now)), IsEmpty());
    for (const auto& ref : read_refs(path)) EXPECT_EQ(ref.id, next) << ref.name << " in round " << round;
    now = next;
  }
}

/// We make `a` while somebody makes `a/b`: never do both come to be.
TEST_F(PackedUpdateTest, AgainstGitNoNameComesToBeInTheWayOfAnother) {
  wait_long_for_locks();
  for (int round = 0; round < 10; ++round) {
    std::vector<RefUpdate> creations;
    for (int number = 0; number < several; ++number)
      creations.push_back({fmt::format("refs/heads/{}-{}", round, number), first, absent});
    std::jthread other([&] {
      for (const auto& creation : creations) {
        try {
          plain_git(path, {"update-ref", creation.name + "/below", first.hex()});
        } catch (const std::runtime_error&) {
        }
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(round));
    update(creations);
    other.join();
    for (const auto& creation : creations)
      EXPECT_NE(value(creation.name).absent(), value(creation.name + "/below").absent()) << creation.name;
  }
}

/// What a kill -9 leaves is taken away by the process that comes next.
TEST_F(PackedUpdateTest, KilledAtAnyMomentEveryRefIsOldOrNewAndNothingIsInTheWay) {
  const auto repository = Repository::open(git, path, false);
  auto held = first;
  int cut = 0;
  for (int round = 0; round < 60; ++round) {
    const auto wanted = held == first ? second : first;
    const auto child = ::fork();
    if (child == 0) {
      const RepositoryUse use(repository);
      repository.update_refs(moves(wanted, held), {});
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200 + round * 150));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    cut += WIFSIGNALED(status) ? 1 : 0;
    repository.remove_leftovers({.locks = std::chrono::hours(2), .ours = milliseconds(0)});
    EXPECT_THAT(files(), IsEmpty());
    const auto refs = read_refs(path);
    ASSERT_EQ(refs.size(), static_cast<size_t>(several));
    for (const auto& ref : refs) {
      EXPECT_TRUE(ref.id == held || ref.id == wanted) << ref.name;
      EXPECT_EQ(ref.id, refs.front().id) << "packed-refs is replaced as a whole";
    }
    held = refs.front().id;
    EXPECT_THAT(update(moves(first, held)), IsEmpty());
    held = first;
  }
  EXPECT_GT(cut, 0);
}

}  // namespace
}  // namespace refsyncd
