#include "local/maintenance.h"

#include <utility>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

/// How long a repository that syncs use is left to them.
constexpr auto in_use_wait = 1min;
constexpr auto interrupted_wait = 5min;

}  // namespace

Maintenance::Maintenance(Surroundings surroundings, Maintain maintain)
    : around_(std::move(surroundings)), maintain_(std::move(maintain)) {}

Maintenance::~Maintenance() {
  *alive_ = false;
  stop();
}

void Maintenance::set_enabled(bool enabled) {
  enabled_ = enabled && maintain_;
  if (!enabled_ && running_) running_->stop.request_stop();
}

bool Maintenance::is_ours(const std::string& repo) const {
  const auto* known = around_.catalog.find(repo);
  return known != nullptr && known->managed;
}

void Maintenance::know(const std::string& repo) {
  if (maintain_ && is_ours(repo)) rounds_.know(repo, now());
}

void Maintenance::changed(const std::string& repo) {
  if (maintain_ && is_ours(repo)) rounds_.changed(repo, now());
}

SteadyTime Maintenance::next_wake() const {
  return enabled_ && !stopped_ && !running_ ? rounds_.next() : SteadyTime::max();
}

void Maintenance::tick() {
  while (enabled_ && !stopped_ && !running_) {
    const auto repo = rounds_.take(now());
    if (!repo) return;
    begin(*repo);
  }
}

void Maintenance::begin(const std::string& repo) {
  if (!is_ours(repo)) return rounds_.forget(repo);
  const auto& found = *around_.catalog.find(repo);
  if (around_.in_use(repo) || !around_.queue.hold(found.path)) {
    return rounds_.again(repo, around_.clock.steady() + in_use_wait);
  }
  running_.emplace(Running{.repo = repo, .folder = found.path, .stop = {}, .then = {}});
  maintain_(found, running_->stop.get_token(),
            [this, alive = alive_](std::optional<MaintenanceReport> report) {
              if (*alive) ended(std::move(report));
            });
}

void Maintenance::ended(std::optional<MaintenanceReport> report) {
  const auto ended = std::move(*std::exchange(running_, std::nullopt));
  around_.queue.release(ended.folder);
  if (report) {
    if (report->result == MaintenanceResult::interrupted)
      rounds_.again(ended.repo, around_.clock.steady() + interrupted_wait);
    around_.observer.maintained(*report);
  }
  for (const auto& then : ended.then) then();
  around_.released();
}

void Maintenance::give_way(const std::string& repo) {
  const auto* known = around_.catalog.find(repo);
  if (running_ && known != nullptr && running_->folder == known->path) running_->stop.request_stop();
}

void Maintenance::after(const std::string& repo, std::function<void()> then) {
  if (!running_ || running_->repo != repo) return then();
  running_->stop.request_stop();
  running_->then.push_back(std::move(then));
}

void Maintenance::stop() {
  stopped_ = true;
  if (running_) running_->stop.request_stop();
}

}  // namespace refsyncd
