#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "base/worker_pool.h"
#include "store/recorder.h"
#include "store/samples.h"
#include "store/sql_store.h"
#include "support/temporary_directory.h"
#include "webhooks/receiver.h"
#include "webhooks/webhooks.h"

namespace refsyncd {

/// The machine's clock, which a test may set forward.
class ShiftedClock final : public Clock {
 public:
  milliseconds shift{};
  WallTime now() const override { return system_.now() + shift; }
  SteadyTime steady() const override { return system_.steady() + shift; }

 private:
  SystemClock system_;
};

/// Writes down what became of deliveries.
struct Told final : Observer {
  std::vector<std::string> events;
  size_t pending = 0;
  size_t dead = 0;
  std::vector<std::filesystem::path> unknown;
  size_t abandoned = 0;

  void unknown_files(std::span<const std::filesystem::path> files) override {
    unknown.assign(files.begin(), files.end());
  }
  void webhook_delivered(const Delivery& delivery) override {
    events.push_back("delivered " + delivery.event);
  }
  void webhook_failed(const Delivery& delivery, const Failure& failure,
                      std::optional<milliseconds> retry_in) override {
    events.push_back((retry_in ? "failed " : "gave up ") + delivery.event + ": " + failure.message);
  }
  void webhook_abandoned(const std::string&) override { ++abandoned; }
  void webhooks_outstanding(size_t now_pending, size_t now_dead) override {
    pending = now_pending;
    dead = now_dead;
  }
};

/// One life of the agent's webhooks, with a real store, threads and network.
struct Life {
  Life(const std::filesystem::path& folder, const ShiftedClock& clock, Observer& observer,
       bool allow_private = true)
      : clock_(clock),
        store(folder / "state.db"),
        recorder_(
            store, [this](auto task) { writer_.submit(std::move(task)); },
            [this](auto task) { loop.post(std::move(task)); }, clock),
        webhooks({.clock = clock,
                  .store = store,
                  .recorder = recorder_,
                  .observer = observer,
                  .loop = loop,
                  .in_background = [this](auto task) { writer_.submit(std::move(task)); },
                  .roll = [] { return 0.0; }},
                 {.credentials = folder / "credentials", .organization = organization_of("acme")}),
        writer_(1) {
    webhooks.set_api_address("agent.example");
    webhooks.start(allow_private, store.unfinished_syncs());
  }

  void record(const Sync& sync) { webhooks.recorder().record(sync); }

  WebhookTarget add_target(const std::string& url, std::vector<std::string> events,
                           std::optional<std::vector<std::string>> repo_ids = std::nullopt) {
    WebhookTarget target;
    target.id = new_uuid(clock_.now());
    target.url = url;
    target.events = std::move(events);
    target.repo_ids = std::move(repo_ids);
    target.created_at = target.updated_at = clock_.now();
    EXPECT_TRUE(webhooks.add(target, webhooks.secrets().make(target.id)));
    settle();
    return target;
  }

  /// Turns the loop until the condition holds; fails the test after a while.
  void turn_until(const std::function<bool()>& condition) {
    const SystemClock real;
    const auto deadline = real.steady() + 30s;
    while (!condition()) {
      ASSERT_LT(real.steady(), deadline);
      recorder_.tick();
      webhooks.tick();
      loop.run_once(real.steady() + 5ms);
    }
  }
  /// Until everything is written and every try is over.
  void settle() {
    bool turned = false;
    turn_until([&] { return std::exchange(turned, true) && recorder_.idle() && webhooks.under_way() == 0; });
  }

  const ShiftedClock& clock_;
  SqlStore store;
  Loop loop;
  GroupRecorder recorder_;
  Webhooks webhooks;
  WorkerPool writer_;  // last: its thread uses everything above
};

inline const std::vector<std::string> all_events{"sync.queued", "sync.in_progress", "sync.completed",
                                                 "sync.failed"};

inline Sync queued(const std::string& id, const std::string& repo_id = "repo-1") {
  auto sync = queued_sync(id);
  sync.repo_id = repo_id;
  return sync;
}
inline Sync started(Sync sync) {
  sync.status = SyncStatus::in_progress;
  sync.started_at = at(1s);
  return sync;
}
inline Sync completed(Sync sync) {
  sync.status = SyncStatus::completed;
  sync.finished_at = at(2s);
  sync.refs = std::make_shared<const RefResults>(RefResults{created("refs/heads/main", 1)});
  return sync;
}
inline Sync failed(Sync sync) {
  sync.status = SyncStatus::failed;
  sync.finished_at = at(2s);
  sync.failure = Failure{ErrorKind::auth, "credentials refused", std::nullopt};
  return sync;
}

/// The webhooks of an agent that may die, and somebody who hears of them.
struct WebhooksTest : testing::Test {
  TemporaryDirectory folder;
  ShiftedClock clock;
  Told told;
  Receiver receiver;
  std::optional<Life> life{std::in_place, folder.path(), clock, told, true};

  /// The process dies: what it has in memory is gone.
  void restart(bool allow_private = true) {
    life.reset();
    life.emplace(folder.path(), clock, told, allow_private);
  }
  void record(const Sync& sync) { life->record(sync); }
  void settle() { life->settle(); }
};

}  // namespace refsyncd
