// What was acknowledged is there after a kill, and a full disk costs patience, not data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <random>

#include "base/handle.h"
#include "store/samples.h"
#include "store/sql_store.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

/// Group number `n`: two syncs and the policy's state, which counts the groups.
Changes group(int n) {
  PolicyState state;
  state.policy = "p";
  state.attempt = n;
  return {.syncs = {completed_sync(fmt::format("{}-a", n), many_unchanged(static_cast<size_t>(n % 40)),
                                   milliseconds(n)),
                    queued_sync(fmt::format("{}-b", n), milliseconds(n))},
          .policies = {state}};
}

int groups_in(SqlStore& store) {
  const auto states = store.policy_states();
  return states.empty() ? 0 : states.at(0).attempt;
}

/// Writes groups until it is killed, and says so after each. Never returns.
[[noreturn]] void write_for_ever(const std::filesystem::path& file, int acknowledge) try {
  SqlStore store(file);
  for (int n = groups_in(store) + 1;; ++n) {
    store.write(group(n));
    if (::write(acknowledge, &n, sizeof n) != sizeof n) ::_exit(1);
  }
} catch (const std::exception& error) {
  ::dprintf(STDERR_FILENO, "writer: %s\n", error.what());
  ::_exit(2);
}

/// Kills a writer after `groups` acknowledgements and a little more; returns the last one acknowledged.
int kill_writer_after(const std::filesystem::path& file, int groups, unsigned extra) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = ::fork();
  if (child == 0) write_for_ever(file, ends[1]);
  const FileDescriptor acknowledged(ends[0]);
  ::close(ends[1]);
  int last = 0;
  for (int i = 0; i < groups; ++i) {
    if (::read(acknowledged.get(), &last, sizeof last) != sizeof last) break;
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(extra);
  while (std::chrono::steady_clock::now() < until) {
  }
  ::kill(child, SIGKILL);
  while (::read(acknowledged.get(), &last, sizeof last) == sizeof last) {
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
  return last;
}

TEST(Durability, thirty_kills_lose_nothing_acknowledged_and_leave_no_partial_group) {
  const TemporaryDirectory folder;
  const auto file = folder / "state.db";
  std::mt19937 dice(static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed()) + 7);
  int before = 0;
  for (int round = 0; round < 30; ++round) {
    const int acknowledged =
        std::max(before, kill_writer_after(file, static_cast<int>(dice() % 8), dice() % 3000));
    SqlStore store(file);
    const int groups = groups_in(store);
    ASSERT_GE(groups, acknowledged);
    ASSERT_LE(groups, acknowledged + 1) << "only the one that was being written";
    ASSERT_EQ(store.syncs({.limit = 100000, .with_refs = false}).size(), 2u * static_cast<size_t>(groups));
    ASSERT_EQ(store.unfinished_syncs().size(), static_cast<size_t>(groups));
    for (int n = before + 1; n <= groups; ++n) {
      ASSERT_EQ(*store.sync(fmt::format("{}-a", n))->refs, many_unchanged(static_cast<size_t>(n % 40)));
    }
    before = groups;
  }
  EXPECT_GT(before, 30);
}

/// A group that takes 50 kB.
Changes large_group(int n) {
  Changes changes = group(n);
  changes.syncs[0].request.repo = fmt::format("repo-{}", n);
  changes.syncs[0].refs =
      std::make_shared<const RefResults>(RefResults{unchanged(std::string(50000, 'x'), uint64_t(n))});
  return changes;
}

/// Writes large groups until one fails; the number of those that did not.
int write_until_full(SqlStore& store, ErrorKind& kind) {
  for (int n = 1; n < 10000; ++n) {
    try {
      store.write(large_group(n));
    } catch (const Error& error) {
      kind = error.kind();
      return n - 1;
    }
  }
  return -1;
}

void expect_whole(SqlStore& store, int groups) {
  EXPECT_EQ(groups_in(store), groups);
  EXPECT_EQ(store.syncs({.limit = 100000}).size(), 2u * static_cast<size_t>(groups));
}

TEST(Durability, a_file_size_limit_fails_the_write_and_it_goes_on_when_lifted) {
  const TemporaryDirectory folder;
  SqlStore store(folder / "state.db");
  rlimit unlimited{};
  ::getrlimit(RLIMIT_FSIZE, &unlimited);
  auto* const previous = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limited{.rlim_cur = 2 << 20, .rlim_max = unlimited.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limited);
  ErrorKind kind{};
  const int groups = write_until_full(store, kind);
  EXPECT_GT(groups, 3);
  EXPECT_EQ(kind, ErrorKind::transient);
  expect_whole(store, groups);
  EXPECT_THROW(store.write(large_group(groups + 1)), Error) << "still no room";
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, previous);
  store.write(group(groups + 1));
  expect_whole(store, groups + 1);
}

TEST(Durability, a_full_disk_fails_the_write_and_it_goes_on_when_there_is_room) {
  const TemporaryDirectory folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") != 0) {
    GTEST_SKIP() << "mounting a small file system needs root";
  }
  const Finally unmount([&] { ::umount2(folder.path().c_str(), MNT_DETACH); });
  const auto ballast = folder / "ballast";
  std::ofstream(ballast) << std::string(200000, 'x');
  SqlStore store(folder / "state.db");
  ErrorKind kind{};
  const int groups = write_until_full(store, kind);
  EXPECT_GT(groups, 1);
  EXPECT_EQ(kind, ErrorKind::transient);
  expect_whole(store, groups);
  std::filesystem::remove(ballast);
  store.write(group(groups + 1));
  expect_whole(store, groups + 1);
}

TEST(Durability, what_the_agent_remembers_of_many_policies_is_read_at_once) {
#ifdef NDEBUG
  constexpr int policies = 100000;
#else
  constexpr int policies = 5000;  // sanitizers make this take its time
#endif
  const TemporaryDirectory folder;
  Changes changes;
  for (int i = 0; i < policies; ++i) {
    PolicyState state;
    state.policy = fmt::format("organisation-repository-{:06}-pull", i);
    state.last_due = state.last_attempt = state.last_success = at(milliseconds(i));
    state.sync_id = "019b8d3e-0000-7000-8000-000000000001";
    changes.policies.push_back(std::move(state));
  }
  SqlStore store(folder / "state.db");
  const auto start = std::chrono::steady_clock::now();
  store.write(changes);
  const auto written = std::chrono::steady_clock::now();
  EXPECT_EQ(store.policy_states(), changes.policies);
  const auto read = std::chrono::steady_clock::now();
  const auto ms = [](auto duration) {
    return int(std::chrono::duration_cast<milliseconds>(duration).count());
  };
  RecordProperty("write_ms", ms(written - start));
  RecordProperty("read_ms", ms(read - written));
}

}  // namespace
}  // namespace refsyncd
