#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "local/service.h"
#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {

struct RecordingListener final : SyncListener {
  std::vector<Sync> changes;
  void sync_changed(const Sync& sync) override { changes.push_back(sync); }
};

/// A question that the service has for an upstream.
struct Question {
  SyncRequest request;
  Repo repo;
  std::function<void(Probed)> done;
};

/// The embedded service with made-up Git work that ends when the test says so.
struct Bench {
  ManualClock clock;
  MemoryRecorder recorder;
  MemoryStore store{recorder};
  RecordingObserver observer;
  RecordingListener listener;
  std::vector<std::function<void()>> background;
  std::vector<std::function<void()>> posted;
  std::optional<Failure> failure;
  std::vector<std::string> worked_on;
  std::vector<std::shared_ptr<const Advertisement>> listings;  // what the work was given
  bool saw_stop = false;
  std::vector<SteadyTime> deadlines;
  std::vector<std::function<void(bool)>> kept_waiting;  // by what was worked on
  size_t most_workers = 100;
  std::vector<Question> questions;  // not answered yet
  bool probing = false;
  std::filesystem::path data_dir;
  std::unique_ptr<LocalService> service;

  explicit Bench(size_t concurrency = 8, bool with_probe = false) : probing(with_probe) {
    start(concurrency);
  }

  void start(size_t concurrency = 8) {
    Probe probe;
    if (probing) {
      probe = [this](const SyncRequest& request, const Repo& repo, std::function<void(Probed)> done) {
        questions.push_back({.request = request, .repo = repo, .done = std::move(done)});
      };
    }
    service = std::make_unique<LocalService>(
        LocalService::Surroundings{
            .clock = clock,
            .store = store,
            .recorder = recorder,
            .observer = observer,
            .work =
                [this](const Assignment& assignment, const std::stop_token& stop,
                       const LocalService::Progress& progress) {
                  worked_on.push_back(assignment.sync.id);
                  listings.push_back(assignment.listed);
                  deadlines.push_back(assignment.deadline);
                  kept_waiting.push_back(assignment.kept_waiting);
                  saw_stop = stop.stop_requested();
                  progress("half way");
                  SyncEnd end;
                  end.refs = std::make_shared<const RefResults>();
                  end.failure =
                      saw_stop ? Failure{.kind = ErrorKind::transient, .message = "stopped"} : failure;
                  return end;
                },
            .in_background = [this](std::function<void()> task) { background.push_back(std::move(task)); },
            .on_loop = [this](std::function<void()> task) { posted.push_back(std::move(task)); },
            .data_dir = data_dir,
            .probe = std::move(probe),
            .enough_workers = [this](size_t count) { return count <= most_workers; }},
        "local", concurrency, 4);
    service->set_listener(listener);
    service->configure({repo("app"), repo("lib"), without_upstream()}, concurrency, 4);
  }

  static Repo repo(const std::string& name) {
    Repo repo;
    repo.name = name;
    repo.path = "/repos/" + name + ".git";
    repo.upstream = Upstream{.url = "https://example.org/" + name, .host = "example.org"};
    return repo;
  }
  static Repo without_upstream() {
    Repo repo;
    repo.name = "alone";
    return repo;
  }
  static SyncRequest pull(const std::string& repo) {
    SyncRequest request;
    request.repo = repo;
    return request;
  }

  /// Enqueues and returns the sync, or what it was refused with.
  Sync enqueue(const SyncRequest& request, Failure* refused = nullptr) {
    Sync accepted;
    service->enqueue(request, [&](const Sync* sync, const Failure* why) {
      if (sync != nullptr) accepted = *sync;
      if (why != nullptr && refused != nullptr) *refused = *why;
    });
    recorder.settle();
    return accepted;
  }
  /// Answers the question that was asked first, and lets what follows happen.
  void answer(Probed probed) {
    const auto question = std::move(questions.at(0));
    questions.erase(questions.begin());
    question.done(std::move(probed));
    recorder.settle();
  }
  void adopt() {
    service->adopt(store.repositories(), store.unfinished_syncs());
    service->tick();
    recorder.settle();
  }
  void work() {
    work_without_reports();
    hear_reports();
  }
  void work_without_reports() {
    auto tasks = std::exchange(background, {});
    for (auto& task : tasks) task();
  }
  void hear_reports() {
    auto reports = std::exchange(posted, {});
    for (auto& report : reports) report();
    recorder.settle();
  }
};

}  // namespace refsyncd
