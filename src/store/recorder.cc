#include "store/recorder.h"

#include <algorithm>
#include <utility>

namespace refsyncd {
namespace {

constexpr milliseconds leisure(250);

milliseconds retry_delay(int failures) {
  using std::chrono::seconds;
  return std::min<milliseconds>(seconds(1) * (1 << std::min(failures - 1, 5)), seconds(30));
}

void run_all(const std::vector<std::function<void()>>& effects) {
  for (const auto& effect : effects) effect();
}

}  // namespace

template <class Record>
void GroupRecorder::Group::put(std::vector<Record>& records, Places& places, const std::string& key,
                               const Record& record) {
  const auto [place, added] = places.try_emplace(key, records.size());
  if (added) {
    records.push_back(record);
  } else {
    records[place->second] = record;
  }
}

void GroupRecorder::Group::append(Group&& later) {
  for (const auto& repository : later.changes_.repositories) add(repository);
  for (const auto& sync : later.changes_.syncs) add(sync);
  for (const auto& state : later.changes_.policies) add(state);
  for (const auto& change : later.changes_.webhooks) add(change);
  std::move(later.effects.begin(), later.effects.end(), std::back_inserter(effects));
}

size_t GroupRecorder::Group::size() const {
  return changes_.repositories.size() + changes_.syncs.size() + changes_.policies.size() +
         changes_.webhooks.size();
}

GroupRecorder::GroupRecorder(Store& store, Executor in_background, Executor on_loop, const Clock& clock,
                             OnError on_error)
    : store_(store),
      in_background_(std::move(in_background)),
      on_loop_(std::move(on_loop)),
      clock_(clock),
      on_error_(std::move(on_error)) {}

template <class Record>
void GroupRecorder::take(const Record& record) {
  ++records_;
  collecting_.add(record);
  begin_at_leisure();
}

void GroupRecorder::record(const RepositoryRecord& repository) { take(repository); }
void GroupRecorder::record(const Sync& sync) { take(sync); }
void GroupRecorder::record(const PolicyState& state) { take(state); }
void GroupRecorder::record(const WebhookChange& change) { take(change); }

void GroupRecorder::when_durable(Task effect) {
  collecting_.effects.push_back(std::move(effect));
  hurried_ = true;
  begin_soon();
}

void GroupRecorder::when_durable_at_leisure(Task effect) {
  collecting_.effects.push_back(std::move(effect));
  begin_at_leisure();
}

size_t GroupRecorder::pending() const { return collecting_.size() + (writing_ ? writing_->size() : 0); }

SteadyTime GroupRecorder::next_wake() const {
  if (retry_at_) return *retry_at_;
  return begin_by_ && !writing_ ? *begin_by_ : SteadyTime::max();
}

void GroupRecorder::tick() {
  const auto now = clock_.steady();
  if (retry_at_) {
    if (now < *retry_at_) return;
    retry_at_.reset();
    return begin();
  }
  if (begin_by_ && now >= *begin_by_) begin();
}

void GroupRecorder::begin_at_leisure() {
  if (!begin_by_) begin_by_ = clock_.steady() + leisure;
}

/// On the loop's next turn, so that everything recorded in this one shares a transaction.
void GroupRecorder::begin_soon() {
  if (beginning_ || writing_ || retry_at_) return;
  beginning_ = true;
  on_loop_([this] {
    beginning_ = false;
    begin();
  });
}

void GroupRecorder::begin() {
  if (writing_ || retry_at_) return;
  begin_by_.reset();
  hurried_ = false;
  if (collecting_.changes().empty()) {
    run_all(std::exchange(collecting_.effects, {}));
    return;
  }
  writing_ = std::exchange(collecting_, {});
  in_background_([this] { write(); });
}

/// In the background.
void GroupRecorder::write() {
  std::optional<Failure> failure;
  try {
    store_.write(writing_->changes());
  } catch (...) {
    failure = current_failure();
  }
  on_loop_([this, failure] { written(failure); });
}

void GroupRecorder::written(const std::optional<Failure>& failure) {
  auto group = std::move(*writing_);
  writing_.reset();
  if (failure) {
    group.append(std::exchange(collecting_, {}));
    collecting_ = std::move(group);
    retry_at_ = clock_.steady() + retry_delay(++failures_);
    if (on_error_) on_error_(*failure);
    return;
  }
  failures_ = 0;
  run_all(group.effects);
  if (hurried_) begin();
}

}  // namespace refsyncd
