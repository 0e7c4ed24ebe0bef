#include "mesa/poller.h"

#include <algorithm>
#include <vector>

namespace refsyncd {
namespace {

constexpr size_t repos_a_page = 100;

}  // namespace

void Poller::add(const std::string& id, const std::string& repo, milliseconds age) {
  const auto [at, added] = items_.try_emplace(id);
  if (!added) return;
  auto& item = at->second;
  item.repo = repo;
  item.since = around_.clock.steady() - age;
  last_added_ = std::max(last_added_, item.since);
  ++syncs_of_repo_[repo];
  schedule(id, item, poll_delay(age, around_.roll()));
}

void Poller::remove(const std::string& id) {
  const auto found = items_.find(id);
  if (found == items_.end()) return;
  due_.erase({found->second.next, id});
  if (round_) round_->unseen.erase(id);
  const auto repo = syncs_of_repo_.find(found->second.repo);
  if (--repo->second == 0) syncs_of_repo_.erase(repo);
  items_.erase(found);
}

Polling Poller::choice() const {
  const auto at_least = (syncs_of_repo_.size() + repos_a_page - 1) / repos_a_page;
  return choose_polling(
      {.syncs = items_.size(), .repos = syncs_of_repo_.size(), .pages = std::max(known_pages_, at_least)});
}

SteadyTime Poller::next_wake() const {
  if (items_.empty()) return SteadyTime::max();
  if (choice() == Polling::pages) return round_ ? SteadyTime::max() : next_round_;
  return due_.empty() ? SteadyTime::max() : due_.begin()->first;
}

void Poller::tick() {
  if (items_.empty()) return;
  const auto now = around_.clock.steady();
  if (choice() == Polling::pages) {
    if (!round_ && now >= next_round_) begin_round();
    return;
  }
  while (!due_.empty() && due_.begin()->first <= now) ask(std::string(due_.begin()->second));
}

void Poller::schedule(const std::string& id, Item& item, milliseconds delay) {
  due_.erase({item.next, id});
  item.asking = false;
  item.next = around_.clock.steady() + delay;
  due_.emplace(item.next, id);
}

void Poller::ask(const std::string& id) {
  auto& item = items_.at(id);
  due_.erase({item.next, id});
  item.asking = true;
  around_.api.sync(item.repo, id, [this, id](const auto& result) { answered(id, result); });
}

void Poller::answered(const std::string& id, const std::variant<Sync, ApiTrouble>& result) {
  const auto found = items_.find(id);
  if (found == items_.end()) return;
  auto& item = found->second;
  const auto* trouble = std::get_if<ApiTrouble>(&result);
  if (trouble == nullptr) {
    item.failures = 0;
    const auto age = std::chrono::duration_cast<milliseconds>(around_.clock.steady() - item.since);
    schedule(id, item, poll_delay(age, around_.roll()));
    around_.seen(std::get<Sync>(result));
  } else {
    schedule(id, item, after(trouble->failure, ++item.failures));
    if (trouble->failure.kind == ErrorKind::not_found) around_.gone(id, trouble->failure);
  }
}

/// How long to let the service be after a failure. A wish is a floor, and those who heard it do not come back
/// all at once.
milliseconds Poller::after(const Failure& failure, int failures) {
  return failure.retry_after.value_or(milliseconds{}) + trouble_delay(failures, around_.roll());
}

void Poller::begin_round() {
  Round round{
      .unseen = {}, .guard = PageGuard(items_.size()), .most_pages = std::max<size_t>(1, items_.size() / 2)};
  for (const auto& [id, item] : items_) {
    if (!item.asking) round.unseen.insert(id);
  }
  round_.emplace(std::move(round));
  ask_page(std::nullopt);
}

void Poller::ask_page(const std::optional<std::string>& cursor) {
  around_.api.repos(cursor, [this](const auto& result) {
    if (const auto* trouble = std::get_if<ApiTrouble>(&result)) return page_failed(*trouble);
    page_came(std::get<RepoPage>(result));
  });
}

void Poller::page_came(const RepoPage& page) {
  failed_rounds_ = 0;
  ++round_->pages;
  for (const auto& repo : page.repos) {
    if (!repo.upstream || !repo.upstream->latest_sync) continue;
    const auto& latest = *repo.upstream->latest_sync;
    round_->unseen.erase(latest.id);
    if (items_.contains(latest.id)) around_.seen(latest);
  }
  bool more = false;
  try {
    more = !round_->unseen.empty() && round_->pages < round_->most_pages &&
           round_->guard.follow(page.next_cursor);
  } catch (const Error&) {
    // A list that leads back to itself has shown all it will show: the rest is asked for one by one.
  }
  if (more) {
    ask_page(page.next_cursor);
  } else {
    // Had it gone on, there would have been at least one more.
    known_pages_ = round_->pages + (round_->unseen.empty() || !page.next_cursor ? 0 : 1);
    end_round();
  }
}

void Poller::page_failed(const ApiTrouble& trouble) {
  if (trouble.unreadable) {  // one bad repository must not hide all others
    known_pages_ = items_.size();
    return end_round();
  }
  next_round_ = around_.clock.steady() + after(trouble.failure, ++failed_rounds_);
  round_.reset();
}

/// What no page showed (a repository may have a newer sync by now) is asked for by itself.
void Poller::end_round() {
  const auto unseen = std::move(round_->unseen);
  const auto pages = round_->pages;
  round_.reset();
  const auto now = around_.clock.steady();
  const auto youngest = std::chrono::duration_cast<milliseconds>(now - last_added_);
  next_round_ = now + round_delay(youngest, pages, around_.roll());
  for (const auto& id : unseen) {
    const auto found = items_.find(id);
    if (found != items_.end() && !found->second.asking) ask(id);
  }
}

}  // namespace refsyncd
