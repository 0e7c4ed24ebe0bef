#include "agent/engine.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace refsyncd {
namespace {

using std::chrono::hours;

constexpr milliseconds purge_interval = hours(1);
constexpr milliseconds keep_unknown_policies = hours(24 * 30);
constexpr size_t purge_batch = 1000;

Error unusable(const Error& problem) {
  return {problem.kind(),
          fmt::format("{}; the agent must be able to write in service.data_dir: run it as the folder's owner "
                      "(it is user {} now), or name another folder",
                      problem.what(), ::geteuid())};
}

}  // namespace

std::filesystem::path Engine::prepared(const std::filesystem::path& data_dir) {
  std::error_code problem;
  std::filesystem::create_directories(data_dir, problem);
  // A volume's root may belong to somebody else (Kubernetes gives it to root, with a group of ours): what
  // matters then is that we can write there.
  struct stat status {};
  const bool ours = ::stat(data_dir.c_str(), &status) == 0 && status.st_uid == ::geteuid();
  if (!problem && ours) std::filesystem::permissions(data_dir, std::filesystem::perms::owner_all, problem);
  if (problem) {
    throw unusable({worth_waiting_for(problem.value()) ? ErrorKind::transient : ErrorKind::bad_config,
                    fmt::format("making {}: {}", data_dir.string(), problem.message())});
  }
  return data_dir;
}

FileLock Engine::locked(const std::filesystem::path& data_dir) try {
  return FileLock(data_dir / "lock");
} catch (const LockHeld&) {
  throw;
} catch (const Error& problem) {
  throw unusable(problem);
}

Engine::Engine(const ServiceConfig& service, const Clock& clock, Observer& observer,
               OnStoreError on_store_error)
    : clock_(clock),
      dice_(std::random_device{}()),
      retention_(service.retention),
      next_purge_(clock.steady() + std::chrono::minutes(1)),
      data_dir_(prepared(service.data_dir)),
      lock_(locked(data_dir_)),
      store_(data_dir_ / "state.db"),
      recorder_(
          store_, [this](std::function<void()> task) { writer_.submit(std::move(task)); },
          [this](std::function<void()> task) { loop_.post(std::move(task)); }, clock,
          std::move(on_store_error)),
      local_(service.kind == ServiceKind::local
                 ? std::make_unique<LocalParts>(service, needs(observer), data_dir_)
                 : nullptr),
      hosted_(service.kind == ServiceKind::mesa ? std::make_unique<HostedParts>(service, needs(observer))
                                                : nullptr),
      service_(local_ ? static_cast<SyncService&>(local_->service) : hosted_->service),
      runner_(clock, service_, recorder_, observer, [this] { return roll(); }),
      writer_(1, "store"),
      workers_(static_cast<size_t>(service.concurrency), "sync") {
  service_.set_listener(runner_);
}

Engine::~Engine() { service_.interrupt(); }

double Engine::roll() { return std::uniform_real_distribution<>(0.0, 1.0)(dice_); }

ServiceNeeds Engine::needs(Observer& observer) {
  return {.clock = clock_,
          .loop = loop_,
          .store = store_,
          .webhook_store = store_,
          .recorder = recorder_,
          .observer = observer,
          .roll = [this] { return roll(); },
          .in_background = [this](std::function<void()> task) { workers_.submit(std::move(task)); },
          .enough_workers = [this](size_t count) { return enough_workers(count); },
          .on_disk = [this](std::function<void()> task) { writer_.submit(std::move(task)); }};
}

bool Engine::enough_workers(size_t count) {
  try {
    workers_.grow(count);
    return true;
  } catch (const std::exception&) {
    return false;  // no memory, or no more threads for us
  }
}

void Engine::start(Config config) {
  auto unfinished = store_.unfinished_syncs();
  if (local_) {
    const auto& listen = config.http.listen;  // until it is known which port that came to be
    local_->webhooks.set_api_address(listen.empty() ? "localhost" : listen);
    local_->webhooks.start(config.webhooks.allow_private, unfinished);
  }
  if (local_) local_->service.catalog().allow_private(config.api.allow_private);
  if (local_) local_->service.set_maintenance(config.service.maintenance);
  service_.configure(std::move(config.repos), static_cast<size_t>(config.service.concurrency),
                     static_cast<size_t>(config.service.per_host));
  service_.adopt(store_.repositories(), std::move(unfinished));
  auto states = store_.policy_states();
  store_.forget_policies(forgettable_policies(states, config.policies, clock_.now() - keep_unknown_policies));
  runner_.configure(std::move(config.policies), std::move(states));
}

std::string Engine::make_room_for(const Config& config) try {
  workers_.grow(static_cast<size_t>(config.service.concurrency));
  return "";
} catch (const std::exception& error) {
  return fmt::format(
      "service.concurrency: {} threads cannot be started: {}; lower it, or raise the limit of "
      "threads or memory",
      config.service.concurrency, error.what());
}

void Engine::reload(Config config) {
  retention_ = config.service.retention;
  if (local_) local_->service.catalog().allow_private(config.api.allow_private);
  if (local_) local_->service.set_maintenance(config.service.maintenance);
  service_.configure(std::move(config.repos), static_cast<size_t>(config.service.concurrency),
                     static_cast<size_t>(config.service.per_host));
  runner_.configure(std::move(config.policies), {});
}

void Engine::turn(SteadyTime deadline) {
  runner_.tick();
  service_.tick();
  if (hosted_) hosted_->http.tick();
  if (local_) local_->webhooks.tick();
  recorder_.tick();
  purge_when_due();
  const auto http = hosted_ ? hosted_->http.next_wake() : local_->webhooks.next_wake();
  loop_.run_once(
      std::min({deadline, runner_.next_wake(), service_.next_wake(), recorder_.next_wake(), http}));
}

void Engine::stop_starting() {
  runner_.stop_starting();
  service_.stop_starting();
  if (local_) local_->webhooks.stop_starting();
}

void Engine::purge_when_due() {
  if (clock_.steady() < next_purge_) return;
  next_purge_ = clock_.steady() + purge_interval;
  purge(clock_.now() - retention_);
}

/// A batch at a time, so that what must be written meanwhile does not wait for all of them.
void Engine::purge(WallTime before) {
  writer_.submit([this, before] {
    try {
      if (store_.purge(before, purge_batch) < purge_batch) return purge_deliveries(before);
      loop_.post([this, before] { purge(before); });
    } catch (const Error&) {
      // What could not be purged now is purged in an hour; a store in trouble shows in every write.
    }
  });
}

/// On the writer's thread.
void Engine::purge_deliveries(WallTime before) {
  if (!local_ || store_.purge_deliveries(before) == 0) return;
  loop_.post([this, dead = store_.dead_deliveries()] { local_->webhooks.set_dead(dead); });
}

}  // namespace refsyncd
