#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "http/server.h"
#include "model/store.h"

namespace refsyncd {

/// How long an HTTP thread waits for the loop.
inline constexpr milliseconds loop_patience = std::chrono::seconds(5);

/// So many may wait at once. Safe from any thread.
class WaitingPlaces {
 public:
  explicit WaitingPlaces(size_t places) : free_(places) {}

  /// A place that is given back at its end. When none gets free within a moment: Error(transient).
  class Place {
   public:
    explicit Place(WaitingPlaces& of);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

   private:
    WaitingPlaces& of_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable given_back_;
  size_t free_;
};

/// What HTTP threads ask of the loop: each function runs something on the loop's thread and waits for it,
/// with a bound. Safe from any thread but the loop's. All throw what the loop throws, and Error(transient)
/// when the answer does not come in time, when the loop turns no more, or at once when too many wait: the
/// handlers that wait are fewer than the threads of a listener, and those that wait for the disk fewer than
/// these, so that one is left for what needs no loop, and one for what only looks.
///
/// A call that was given up before the loop came to it is dropped.
class LoopCalls {
 public:
  struct Surroundings {
    Loop& loop;
    Recorder& recorder;
    std::function<bool()> draining;  ///< called on the loop: true once nothing new may start
    std::function<bool()> stopped;   ///< called on any thread: true once the loop turns no more
    milliseconds patience = loop_patience;
    size_t threads = HttpLimits().threads;  ///< of each listener; 3 at least
  };
  /// What the surroundings refer to outlives the calls, which outlive the loop's turns.
  explicit LoopCalls(Surroundings surroundings);

  /// Where the loop answers a call, once, and possibly later than it began.
  template <class Result>
  class Reply;

  /// Looks at something: returns what `look` returns. Only when it recorded something, this is durable then.
  template <class Look>
  auto ask(Look look);

  /// Changes something: returns what `decide` returns, once all that was recorded is durable. Refused while
  /// draining, and at once while an earlier change that nobody waits for any more is not durable yet.
  ///
  /// When the call is given up, `given_up` runs on the loop's thread, after `decide` if that runs at all:
  /// with what it returned, or nullptr when it returned nothing. What should not be there after an error is
  /// undone there. When the call is refused before `decide` runs, `given_up` gets nullptr,
  /// perhaps on the calling thread. It must not throw.
  template <class Decide, class GivenUp>
  auto decide(Decide decide, GivenUp given_up);
  template <class Decide>
  auto decide(Decide decide) {
    return this->decide(std::move(decide), [](const auto*) {});
  }

  /// The same for what answers by itself once it is durable: `begin` gets the Reply.
  template <class Result, class Begin>
  Result decide_later(Begin begin);

  /// What takes long, and may in any state: `begin` gets the Reply.
  template <class Result, class Begin>
  Result wait_long(Begin begin, milliseconds patience);

  /// Does on the calling thread what may take long and needs no loop, such as asking for a host's addresses:
  /// as few at once as wait for the disk.
  template <class Action>
  void take_long(Action action) {
    const WaitingPlaces::Place place(long_places_);
    action();
  }

  bool draining() const { return around_.draining(); }  ///< on the loop's thread

 private:
  /// How far a call has come. But for `given_up`, only the loop looks at it.
  struct Progress {
    std::atomic<bool> given_up = false;
    bool begun = false;
    bool answered = false;
    bool overdue = false;  // given up, begun, and to become durable
  };
  template <class Result>
  struct Pending : Progress {
    std::promise<Result> promise;
  };

  template <class Result, class Begin, class GivenUp>
  Result call(milliseconds patience, Begin begin, GivenUp given_up);
  template <class Result>
  Result wait(Pending<Result>& pending, milliseconds patience) const;
  void refuse_while_draining() const;
  void refuse_while_overdue() const;
  void give_up(Progress& progress);
  void end(Progress& progress);

  Surroundings around_;
  WaitingPlaces long_places_;  // some of those below, and taken before them
  WaitingPlaces places_;
  std::atomic<int> overdue_ = 0;
};

namespace loop_calls {

/// What a function returns; std::monostate for nothing.
template <class Function>
auto value_of(Function& function) {
  if constexpr (std::is_void_v<std::invoke_result_t<Function&>>) {
    function();
    return std::monostate();
  } else {
    return function();
  }
}

}  // namespace loop_calls

template <class Result>
class LoopCalls::Reply {
 public:
  Reply(LoopCalls& calls, std::shared_ptr<Pending<Result>> pending)
      : calls_(&calls), pending_(std::move(pending)) {}

  void give(Result result) const {
    calls_->end(*pending_);
    pending_->promise.set_value(std::move(result));
  }
  void fail(const std::exception_ptr& why) const {
    calls_->end(*pending_);
    pending_->promise.set_exception(why);
  }

 private:
  LoopCalls* calls_;
  std::shared_ptr<Pending<Result>> pending_;
};

template <class Result>
Result LoopCalls::wait(Pending<Result>& pending, milliseconds patience) const {
  constexpr milliseconds look_for_a_stop_every(100);
  auto answer = pending.promise.get_future();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (answer.wait_for(std::min(look_for_a_stop_every, patience)) != std::future_status::ready) {
    const bool stopped = around_.stopped();
    if (!stopped && std::chrono::steady_clock::now() < until) continue;
    pending.given_up = true;
    throw Error(ErrorKind::transient, stopped ? "the agent has stopped" : "the agent is busy; try again",
                std::chrono::seconds(1));
  }
  return answer.get();
}

template <class Result, class Begin, class GivenUp>
Result LoopCalls::call(milliseconds patience, Begin begin, GivenUp given_up) {
  const auto pending = std::make_shared<Pending<Result>>();
  std::optional<WaitingPlaces::Place> place;
  try {
    place.emplace(places_);
  } catch (...) {
    given_up(*pending);
    throw;
  }
  around_.loop.post([this, pending, begin = std::move(begin)]() mutable {
    if (pending->given_up) return;
    pending->begun = true;
    const Reply<Result> reply(*this, pending);
    try {
      begin(reply);
    } catch (...) {
      reply.fail(std::current_exception());
    }
  });
  try {
    return wait(*pending, patience);
  } catch (...) {
    if (pending->given_up) {
      around_.loop.post([pending, given_up = std::move(given_up)]() mutable { given_up(*pending); });
    }
    throw;
  }
}

template <class Look>
auto LoopCalls::ask(Look look) {
  using Result = decltype(loop_calls::value_of(look));
  return call<Result>(
      around_.patience,
      [this, look = std::move(look)](const Reply<Result>& reply) mutable {
        const auto before = around_.recorder.records();
        auto result = loop_calls::value_of(look);
        if (around_.recorder.records() == before) return reply.give(std::move(result));
        around_.recorder.when_durable([reply, result = std::move(result)] { reply.give(result); });
      },
      [](Progress&) {});
}

template <class Decide, class GivenUp>
auto LoopCalls::decide(Decide decide, GivenUp given_up) {
  using Result = decltype(loop_calls::value_of(decide));
  const auto decided = std::make_shared<std::optional<Result>>();
  const auto undo = [decided, given_up = std::move(given_up)] { given_up(*decided ? &**decided : nullptr); };
  const auto or_undo = [undo](const auto& admit) {
    try {
      admit();
    } catch (...) {
      undo();
      throw;
    }
  };
  std::optional<WaitingPlaces::Place> place;
  or_undo([&] {
    refuse_while_overdue();
    place.emplace(long_places_);
  });
  return call<Result>(
      around_.patience,
      [this, decided, or_undo, decide = std::move(decide)](const Reply<Result>& reply) mutable {
        or_undo([this] { refuse_while_draining(); });
        decided->emplace(loop_calls::value_of(decide));
        around_.recorder.when_durable([reply, decided] { reply.give(**decided); });
      },
      [this, undo](Progress& progress) {
        give_up(progress);
        undo();
      });
}

template <class Result, class Begin>
Result LoopCalls::decide_later(Begin begin) {
  refuse_while_overdue();
  const WaitingPlaces::Place place(long_places_);
  return call<Result>(
      around_.patience,
      [this, begin = std::move(begin)](const Reply<Result>& reply) mutable {
        refuse_while_draining();
        begin(reply);
      },
      [this](Progress& progress) { give_up(progress); });
}

template <class Result, class Begin>
Result LoopCalls::wait_long(Begin begin, milliseconds patience) {
  const WaitingPlaces::Place place(long_places_);
  return call<Result>(patience, std::move(begin), [](Progress&) {});
}

}  // namespace refsyncd
