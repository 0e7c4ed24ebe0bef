#include <utility>

#include "harness.h"
#include "local/service.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

/// One sync runs at a time, so that another repository's sync holds up all others.
class LocalHarness final : public ServiceHarness {
 public:
  explicit LocalHarness(bool probes) : probes_(probes) { start(); }

  SyncService& service() override { return *service_; }
  Store& store() override { return store_; }
  const WatchedRecorder& recorder() const override { return watched_; }
  const RecordingObserver& observer() const override { return observer_; }
  WatchingListener& listener() override { return listener_; }

  void settle() override {
    memory_.settle();
    if (service_->next_wake() <= clock_.steady()) service_->tick();
    memory_.settle();
    while (!posted_.empty()) {
      for (const auto& report : std::exchange(posted_, {})) report();
      memory_.settle();
    }
  }
  void hold() override {
    SyncRequest request;
    request.repo = "holding";
    service_->enqueue(request, [this](const Sync* sync, const Failure*) { holding_ = sync->id; });
    settle();
  }
  void release() override { complete(holding_); }
  void let_start(const std::string&) override { settle(); }
  void end(const std::string& id, const RefResults& refs, const std::optional<Failure>& failure) override {
    ends_[id] = {.refs = std::make_shared<const RefResults>(refs), .failure = failure};
    work();
  }
  void let_stop() override { work(); }
  size_t begun() const override { return begun_; }
  void restart() override {
    memory_.crash();
    background_.clear();
    posted_.clear();
    start();
    service_->adopt(store_.repositories(), store_.unfinished_syncs());
    settle();
  }

 private:
  void start() {
    service_ = std::make_unique<LocalService>(
        LocalService::Surroundings{
            .clock = clock_,
            .store = store_,
            .recorder = watched_,
            .observer = observer_,
            .work = [this](const Assignment& assignment, const std::stop_token& stop,
                           const LocalService::Progress&) { return end_of(assignment.sync, stop); },
            .in_background =
                [this](std::function<void()> task) {
                  ++begun_;
                  background_.push_back(std::move(task));
                },
            .on_loop = [this](std::function<void()> task) { posted_.push_back(std::move(task)); },
            .data_dir = {},
            .probe = probes_ ? probe() : Probe{}},
        "local", 1, 1);
    service_->set_listener(listener_);
    service_->configure({repo("app"), repo("lib"), repo("holding")}, 1, 1);
  }
  Probe probe() {
    return [this](const SyncRequest&, const Repo&, std::function<void(Probed)> done) {
      posted_.push_back([done = std::move(done)] {
        done({.unchanged = nullptr, .failure = {}, .listed = std::make_shared<const Advertisement>()});
      });
    };
  }
  static Repo repo(const std::string& name) {
    Repo repo;
    repo.name = name;
    repo.path = "/repos/" + name + ".git";
    repo.upstream = Upstream{.url = "https://example.org/" + name, .host = "example.org"};
    return repo;
  }
  SyncEnd end_of(const Sync& sync, const std::stop_token& stop) const {
    if (!stop.stop_requested()) return ends_.at(sync.id);
    return {.refs = nullptr, .failure = Failure{.kind = ErrorKind::transient, .message = "stopped"}};
  }
  void work() {
    for (const auto& task : std::exchange(background_, {})) task();
    settle();
  }

  const bool probes_;
  ManualClock clock_;
  MemoryRecorder memory_;
  MemoryStore store_{memory_};
  WatchedRecorder watched_{memory_};
  RecordingObserver observer_;
  WatchingListener listener_{watched_};
  std::vector<std::function<void()>> background_;
  std::vector<std::function<void()>> posted_;
  std::map<std::string, SyncEnd> ends_;
  std::string holding_;
  size_t begun_ = 0;
  std::unique_ptr<LocalService> service_;
};

}  // namespace

std::unique_ptr<ServiceHarness> local_harness() { return std::make_unique<LocalHarness>(false); }
std::unique_ptr<ServiceHarness> probing_harness() { return std::make_unique<LocalHarness>(true); }

}  // namespace refsyncd
