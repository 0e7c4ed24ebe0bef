#include "agent/loop_calls.h"

namespace refsyncd {
namespace {

/// How long one waits for a place: with a loop that turns, one gets free much sooner.
constexpr milliseconds a_moment(200);
constexpr auto try_again_in = std::chrono::seconds(1);

}  // namespace

WaitingPlaces::Place::Place(WaitingPlaces& of) : of_(of) {
  std::unique_lock lock(of_.mutex_);
  if (!of_.given_back_.wait_for(lock, a_moment, [&] { return of_.free_ > 0; })) {
    throw Error(ErrorKind::transient, "the agent is busy; try again", try_again_in);
  }
  --of_.free_;
}

WaitingPlaces::Place::~Place() {
  const std::lock_guard lock(of_.mutex_);
  ++of_.free_;
  of_.given_back_.notify_one();
}

LoopCalls::LoopCalls(Surroundings surroundings)
    : around_(std::move(surroundings)), long_places_(around_.threads - 2), places_(around_.threads - 1) {}

void LoopCalls::refuse_while_draining() const {
  if (around_.draining()) throw Error(ErrorKind::transient, "the agent is stopping");
}

void LoopCalls::refuse_while_overdue() const {
  if (overdue_ == 0) return;
  throw Error(ErrorKind::transient, "the agent cannot write its state at the moment; try again",
              try_again_in);
}

void LoopCalls::give_up(Progress& progress) {
  progress.overdue = progress.begun && !progress.answered;
  if (progress.overdue) ++overdue_;
}

void LoopCalls::end(Progress& progress) {
  progress.answered = true;
  if (std::exchange(progress.overdue, false)) --overdue_;
}

}  // namespace refsyncd
