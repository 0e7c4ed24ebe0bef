#include "agent/loop_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "support/fakes.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A loop that turns on a thread of its own. What is recorded becomes durable when the test says so.
class CallsOfALoop : public testing::Test {
 protected:
  ~CallsOfALoop() override {
    turning_.request_stop();
    loop_.post([] {});
  }

  LoopCalls& calls(milliseconds patience, size_t threads = 4) {
    return calls_.emplace(LoopCalls::Surroundings{.loop = loop_,
                                                  .recorder = recorder_,
                                                  .draining = [this] { return draining_.load(); },
                                                  .stopped = [] { return false; },
                                                  .patience = patience,
                                                  .threads = threads});
  }
  /// Runs the function on the loop's thread, after all that was posted before.
  void on_loop(const std::function<void()>& run) {
    std::promise<void> done;
    loop_.post([&] {
      run();
      done.set_value();
    });
    done.get_future().wait();
  }
  void settle() {
    on_loop([this] { recorder_.settle(); });
  }
  /// Lets the loop wait until the latch is counted down.
  void hold(std::latch& until) {
    loop_.post([&until] { until.wait(); });
  }
  /// Why the call was refused; nothing when it was not.
  template <class Call>
  static std::optional<Failure> failure_of(Call call) {
    try {
      call();
      return std::nullopt;
    } catch (...) {
      return current_failure();
    }
  }

  Loop loop_;
  MemoryRecorder recorder_;
  std::atomic<bool> draining_ = false;
  std::optional<LoopCalls> calls_;
  std::jthread turning_{[this](const std::stop_token& stop) {
    while (!stop.stop_requested()) loop_.run_once(std::chrono::steady_clock::now() + 1s);
  }};
};

TEST_F(CallsOfALoop, give_what_the_loop_returns_or_throws) {
  auto& asked = calls(10s);
  EXPECT_EQ(asked.ask([] { return std::string("x"); }), "x");
  asked.ask([] {});
  const auto failure =
      failure_of([&] { asked.ask([]() -> int { throw Error(ErrorKind::not_found, "there is none"); }); });
  EXPECT_EQ(failure->kind, ErrorKind::not_found);
  EXPECT_EQ(asked.wait_long<int>([](const auto& reply) { reply.give(7); }, 10s), 7);
}

TEST_F(CallsOfALoop, that_only_look_do_not_wait_for_the_disk) {
  auto& asked = calls(10s);
  on_loop([this] { recorder_.record(PolicyState()); });
  EXPECT_EQ(asked.ask([this] { return recorder_.policies.size(); }), 1u);
}

TEST_F(CallsOfALoop, that_record_something_wait_until_it_is_durable) {
  auto& asked = calls(100ms);
  const auto record = [this] { recorder_.record(RepositoryRecord()); };
  EXPECT_EQ(failure_of([&] { asked.ask(record); })->kind, ErrorKind::transient);
  EXPECT_EQ(failure_of([&] { asked.decide(record); })->kind, ErrorKind::transient);
  settle();
  auto& patient = calls(10s);
  std::latch decided(1);
  auto answer = std::async(std::launch::async, [&] {
    return patient.decide([&] {
      decided.count_down();
      return 7;
    });
  });
  decided.wait();
  EXPECT_EQ(answer.wait_for(0s), std::future_status::timeout);
  settle();
  EXPECT_EQ(answer.get(), 7);
}

TEST_F(CallsOfALoop, are_dropped_when_they_were_given_up_before_they_began) {
  auto& asked = calls(100ms);
  std::latch held(1);
  hold(held);
  bool ran = false;
  std::vector<bool> undone;
  const auto failure = failure_of([&] {
    asked.decide([&] { ran = true; }, [&](const auto* made) { undone.push_back(made != nullptr); });
  });
  EXPECT_EQ(failure->kind, ErrorKind::transient);
  EXPECT_TRUE(failure->retry_after);
  held.count_down();
  on_loop([&] {
    EXPECT_FALSE(ran);
    EXPECT_EQ(undone, std::vector{false});
  });
}

TEST_F(CallsOfALoop, that_are_given_up_later_can_be_undone) {
  auto& asked = calls(1s);
  std::vector<int> undone;
  EXPECT_TRUE(
      failure_of([&] { asked.decide([] { return 7; }, [&](const int* made) { undone.push_back(*made); }); }));
  on_loop([&] { EXPECT_EQ(undone, std::vector{7}); });
  settle();
}

TEST_F(CallsOfALoop, for_changes_are_refused_at_once_while_an_earlier_one_is_overdue) {
  auto& asked = calls(1s);
  EXPECT_TRUE(failure_of([&] { asked.decide([] {}); }));
  on_loop([] {});
  bool ran = false;
  EXPECT_THAT(failure_of([&] { asked.decide([&] { ran = true; }); })->message, HasSubstr("cannot write"));
  EXPECT_FALSE(ran);
  EXPECT_EQ(asked.ask([] { return 7; }), 7) << "who only looks is served";
  settle();
  EXPECT_TRUE(failure_of([&] { asked.decide([&] { ran = true; }); })) << "it is not durable, either";
  EXPECT_TRUE(ran);
  settle();
}

TEST_F(CallsOfALoop, for_changes_are_refused_while_draining) {
  auto& asked = calls(10s);
  draining_ = true;
  EXPECT_EQ(failure_of([&] { asked.decide([] {}); })->message, "the agent is stopping");
  EXPECT_EQ(failure_of([&] { asked.decide_later<int>([](const auto& reply) { reply.give(7); }); })->kind,
            ErrorKind::transient);
  EXPECT_EQ(asked.ask([] { return 7; }), 7);
}

TEST_F(CallsOfALoop, leave_a_thread_of_a_listener_for_what_needs_no_loop) {
  auto& asked = calls(60s);
  std::latch refused(2);
  hold(refused);
  std::atomic<int> answered = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&] {
      const auto failure = failure_of([&] { asked.ask([] {}); });
      if (!failure) return void(++answered);
      EXPECT_EQ(failure->kind, ErrorKind::transient);
      EXPECT_TRUE(failure->retry_after);
      refused.count_down();
    });
  }
  threads.clear();
  EXPECT_EQ(answered, 3) << "the other two were refused while the loop was held up";
}

TEST_F(CallsOfALoop, that_wait_for_the_disk_leave_a_place_for_those_that_look) {
  auto& asked = calls(60s);
  std::latch decided(2);
  std::vector<std::jthread> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.emplace_back([&] { asked.decide([&] { decided.count_down(); }); });
  }
  decided.wait();
  EXPECT_EQ(failure_of([&] { asked.decide([] {}); })->kind, ErrorKind::transient);
  EXPECT_EQ(asked.ask([] { return 7; }), 7);
  settle();
}

TEST_F(CallsOfALoop, that_take_long_without_it_leave_a_place_too) {
  auto& asked = calls(60s);
  std::latch begun(2);
  std::latch finish(1);
  std::vector<std::jthread> busy;
  for (int i = 0; i < 2; ++i) {
    busy.emplace_back([&] {
      asked.take_long([&] {
        begun.count_down();
        finish.wait();
      });
    });
  }
  begun.wait();
  EXPECT_EQ(failure_of([&] { asked.take_long([] {}); })->kind, ErrorKind::transient);
  EXPECT_EQ(asked.ask([] { return 7; }), 7);
  finish.count_down();
}

}  // namespace
}  // namespace refsyncd
