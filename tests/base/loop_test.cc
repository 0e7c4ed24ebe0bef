#include "base/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <thread>

#include "base/error.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

constexpr auto already = SteadyTime::min();
SteadyTime soon() { return std::chrono::steady_clock::now() + 30s; }  // never waited for, unless a test fails

TEST(Loop, returns_at_once_when_nothing_is_ready_and_the_time_is_up) {
  Loop loop;
  EXPECT_EQ(loop.run_once(already), 0u);
  EXPECT_EQ(loop.run_once(SteadyTime{}), 0u);
}

TEST(Loop, waits_until_its_deadline) {
  Loop loop;
  const auto deadline = std::chrono::steady_clock::now() + 20ms;
  EXPECT_EQ(loop.run_once(deadline), 0u);
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
}

TEST(Loop, runs_what_was_posted_in_order_and_once) {
  Loop loop;
  std::vector<int> ran;
  for (int i = 0; i < 5; ++i) loop.post([&ran, i] { ran.push_back(i); });
  EXPECT_EQ(loop.run_once(SteadyTime::max()), 5u);
  EXPECT_EQ(ran, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(loop.run_once(already), 0u);
}

TEST(Loop, runs_what_a_task_posts_in_the_next_round) {
  Loop loop;
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds < 3) loop.post(again);
  };
  loop.post(again);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(loop.run_once(already), 0u);
}

TEST(Loop, wakes_for_a_post_from_another_thread) {
  Loop loop;
  bool ran = false;
  const std::jthread other([&] { loop.post([&] { ran = true; }); });
  while (!ran && std::chrono::steady_clock::now() < soon()) loop.run_once(SteadyTime::max());
  EXPECT_TRUE(ran);
}

TEST(Loop, loses_nothing_that_many_threads_post_and_keeps_the_order_of_each) {
  constexpr int threads = 8;
  constexpr int posts = 5000;
  constexpr size_t all = size_t{threads} * posts;
  Loop loop;
  std::array<int, threads> last{};
  int out_of_order = 0;
  std::vector<std::jthread> posting;
  for (int t = 0; t < threads; ++t) {
    posting.emplace_back([&, t] {
      for (int i = 1; i <= posts; ++i) {
        loop.post(
            [&, t, i] { out_of_order += std::exchange(last[static_cast<size_t>(t)], i) == i - 1 ? 0 : 1; });
      }
    });
  }
  size_t ran = 0;
  while (ran < all) {
    const auto now = loop.run_once(soon());
    ASSERT_GT(now, 0u) << "a wakeup was lost after " << ran;
    ran += now;
  }
  EXPECT_EQ(out_of_order, 0);
  EXPECT_EQ(loop.run_once(already), 0u);
}

class LoopWithPipe : public testing::Test {
 protected:
  LoopWithPipe() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
    reading = FileDescriptor(ends[0]);
    writing = FileDescriptor(ends[1]);
    loop.watch(reading.get(), [this] {
      char byte = 0;
      if (::read(reading.get(), &byte, 1) == 1) received += byte;
    });
  }

  FileDescriptor reading;
  FileDescriptor writing;
  std::string received;
  Loop loop;
};

TEST_F(LoopWithPipe, calls_the_watcher_while_the_descriptor_is_readable) {
  EXPECT_EQ(loop.run_once(already), 0u);
  ASSERT_EQ(::write(writing.get(), "ab", 2), 2);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(received, "a");
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(received, "ab");
  EXPECT_EQ(loop.run_once(already), 0u);
}

TEST_F(LoopWithPipe, posts_and_descriptors_do_not_starve_each_other) {
  ASSERT_EQ(::write(writing.get(), "a", 1), 1);
  bool ran = false;
  loop.post([&] { ran = true; });
  EXPECT_EQ(loop.run_once(soon()), 2u);
  EXPECT_TRUE(ran);
  EXPECT_EQ(received, "a");
}

TEST_F(LoopWithPipe, a_task_may_watch_another_descriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const FileDescriptor second_reading(ends[0]);
  const FileDescriptor second_writing(ends[1]);
  bool seen = false;
  loop.post([&] {
    loop.watch(second_reading.get(), [&] {
      char byte = 0;
      seen = ::read(second_reading.get(), &byte, 1) == 1;
    });
  });
  EXPECT_EQ(loop.run_once(soon()), 1u);
  ASSERT_EQ(::write(second_writing.get(), "x", 1), 1);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_TRUE(seen);
}

TEST_F(LoopWithPipe, watches_for_writing_only_as_long_as_told) {
  int calls = 0;
  loop.watch(writing.get(), {.writing = true}, [&](Loop::Readiness ready) {
    EXPECT_TRUE(ready.writing);
    EXPECT_FALSE(ready.reading);
    ++calls;
  });
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  loop.unwatch(writing.get());
  EXPECT_EQ(loop.run_once(already), 0u);
  EXPECT_EQ(calls, 2);
}

TEST_F(LoopWithPipe, a_descriptor_whose_other_end_is_gone_is_ready_for_what_it_is_watched_for) {
  Loop::Readiness seen;
  loop.watch(writing.get(), {.writing = true}, [&](Loop::Readiness ready) { seen = ready; });
  loop.unwatch(reading.get());
  reading.reset();
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_TRUE(seen.writing);
}

TEST_F(LoopWithPipe, forgets_a_descriptor_for_good) {
  ASSERT_EQ(::write(writing.get(), "a", 1), 1);
  loop.unwatch(reading.get());
  loop.unwatch(reading.get());
  EXPECT_EQ(loop.run_once(already), 0u);
  EXPECT_EQ(received, "");
}

TEST_F(LoopWithPipe, a_watcher_may_unwatch_itself) {
  const std::string kept = "a capture that outlives the call";
  loop.watch(reading.get(), {.reading = true}, [this, kept](Loop::Readiness) {
    loop.unwatch(reading.get());
    received += kept;
  });
  ASSERT_EQ(::write(writing.get(), "a", 1), 1);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(loop.run_once(already), 0u);
  EXPECT_EQ(received, kept);
}

TEST_F(LoopWithPipe, does_not_call_a_watcher_that_was_forgotten_or_replaced_in_the_same_round) {
  int replaced = 0;
  loop.post([&] { loop.watch(reading.get(), {.reading = true}, [&](Loop::Readiness) { ++replaced; }); });
  ASSERT_EQ(::write(writing.get(), "a", 1), 1);
  EXPECT_EQ(loop.run_once(soon()), 1u) << "the post only: the descriptor may be another one by now";
  EXPECT_EQ(replaced, 0);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(replaced, 1);
  loop.post([&] { loop.unwatch(reading.get()); });
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_EQ(replaced, 1);
  EXPECT_EQ(received, "");
}

TEST_F(LoopWithPipe, takes_up_another_file_under_the_same_number) {
  loop.unwatch(reading.get());
  const int number = reading.get();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::dup2(ends[0], number), number);
  ::close(ends[0]);
  const FileDescriptor other(ends[1]);
  bool seen = false;
  loop.watch(number, [&] { seen = true; });
  ASSERT_EQ(::write(other.get(), "x", 1), 1);
  EXPECT_EQ(loop.run_once(soon()), 1u);
  EXPECT_TRUE(seen);
}

TEST(Loop, gets_round_to_everything_that_is_ready) {
  constexpr size_t count = 400;  // more than are taken up in one round
  Loop loop;
  std::vector<FileDescriptor> open;
  std::vector<int> calls(count);
  for (size_t i = 0; i < count; ++i) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    open.emplace_back(ends[0]);
    open.emplace_back(ends[1]);
    loop.watch(ends[0], [&calls, i] { ++calls[i]; });
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
  }
  size_t ran = 0;
  for (int round = 0; round < 4; ++round) ran += loop.run_once(soon());
  EXPECT_EQ(std::ranges::count(calls, 0), 0);
  EXPECT_EQ(ran, static_cast<size_t>(std::accumulate(calls.begin(), calls.end(), 0)));
}

TEST(Loop, says_what_it_cannot_wait_for) {
  Loop loop;
  const FileDescriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_THROW(loop.watch(file.get(), [] {}), Error);
  EXPECT_THROW(loop.watch(-1, [] {}), Error);
  loop.unwatch(file.get());
  EXPECT_EQ(loop.run_once(already), 0u);
}

}  // namespace
}  // namespace refsyncd
