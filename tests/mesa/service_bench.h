#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "http/url.h"
#include "mesa/service.h"
#include "mesa_double.h"
#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {

struct RecordingListener final : SyncListener {
  std::vector<Sync> changes;
  void sync_changed(const Sync& sync) override { changes.push_back(sync); }
};

/// The service with a double of the API that is called in place of HTTP, and a clock turned by hand.
struct ServiceBench {
  ManualClock clock;
  MemoryRecorder recorder;
  MemoryStore store{recorder};
  RecordingObserver observer;
  RecordingListener listener;
  Recorder* recorded_by = &recorder;  // for a test that looks at what is recorded; from the next start()
  SyncListener* told_to = &listener;  // likewise
  MesaDouble mesa;
  std::string credential = "key-1";
  std::function<Secret(const SecretSource&)> read_secret = [](const SecretSource& source) {
    return Secret("secret of " + source.name);
  };
  std::vector<std::function<void()>> posted;
  std::vector<std::pair<HttpSend, HttpClient::Done>> sent;
  MesaService::Settings settings{.url = "http://mesa.test/v1", .org = "acme"};
  std::unique_ptr<MesaService> service;
  std::vector<Repo> repos = {repo("app")};

  explicit ServiceBench(MesaService::Settings with = {.url = "http://mesa.test/v1", .org = "acme"})
      : settings(std::move(with)) {
    start();
  }

  void start() {
    service = std::make_unique<MesaService>(
        MesaService::Surroundings{
            .clock = clock,
            .store = store,
            .recorder = *recorded_by,
            .observer = observer,
            .send = [this](HttpSend request,
                           HttpClient::Done done) { sent.emplace_back(std::move(request), std::move(done)); },
            .credential =
                [this] {
                  if (credential.empty()) throw Error(ErrorKind::auth, "no credential");
                  return Secret(credential);
                },
            .read_secret = [this](const SecretSource& source) { return read_secret(source); },
            .roll = [] { return 0.5; },
            .on_loop = [this](std::function<void()> task) { posted.push_back(std::move(task)); }},
        settings);
    service->set_listener(*told_to);
    service->configure(repos, 8, 4);
  }
  /// What a crash and a new start do: nothing is left but the store.
  void restart() {
    recorder.crash();
    sent.clear();
    posted.clear();
    start();
    service->adopt(store.repositories(), store.unfinished_syncs());
    settle();
  }

  static Repo repo(const std::string& name) {
    Repo repo;
    repo.name = name;
    repo.upstream = Upstream{.url = "https://example.org/" + name, .host = "example.org"};
    return repo;
  }
  static SyncRequest pull(const std::string& repo = "app") {
    SyncRequest request;
    request.repo = repo;
    request.policy = repo + "-pull";
    return request;
  }

  MesaDouble::Request request_of(const HttpSend& send) const {
    MesaDouble::Request request{
        .method = send.method, .path = send.url.substr(settings.url.size()), .body = send.body};
    for (const auto& [name, value] : send.headers) {
      if (name == "Authorization") request.authorization = value;
    }
    const auto question = request.path.find('?');
    if (question == std::string::npos) return request;
    const auto query = request.path.substr(question + 1);
    for (const auto part : split(query, '&')) {
      const auto equals = part.find('=');
      request.query.emplace(part.substr(0, equals), *percent_decode(part.substr(equals + 1)));
    }
    request.path.resize(question);
    return request;
  }

  void answer(const HttpSend& send, const HttpClient::Done& done) {
    mesa.now = clock.now();
    const auto reply = mesa.serve(request_of(send));
    if (reply.cut) {
      const HttpTrouble trouble{.failure = {.kind = ErrorKind::transient, .message = "connection reset"},
                                .maybe_acted = true};
      return done(nullptr, &trouble);
    }
    HttpAnswer answer{.status = reply.status, .content_type = "application/json", .body = reply.body};
    if (const auto wait = reply.headers.find("Retry-After"); wait != reply.headers.end()) {
      answer.retry_after = std::chrono::seconds(std::stoi(wait->second));
    }
    done(&answer, nullptr);
  }

  /// Does everything that is to be done now.
  void settle() {
    for (int quiet = 0; quiet < 2;) {
      recorder.settle();
      if (service->next_wake() <= clock.steady()) service->tick();
      const auto tasks = std::exchange(posted, {});
      for (const auto& task : tasks) task();
      const auto requests = std::exchange(sent, {});
      for (const auto& [send, done] : requests) answer(send, done);
      quiet = tasks.empty() && requests.empty() ? quiet + 1 : 0;
    }
  }
  /// Turns the clock step by step, as the loop would wake.
  void pass(milliseconds time, milliseconds step = milliseconds(100)) {
    for (milliseconds gone{}; gone < time; gone += step) {
      clock.advance(step);
      settle();
    }
  }

  struct Answered {
    std::optional<Sync> sync;
    std::optional<Failure> refused;
  };
  Answered enqueue(const SyncRequest& request) {
    auto result = std::make_shared<Answered>();
    service->enqueue(request, [result](const Sync* sync, const Failure* refused) {
      if (sync != nullptr) result->sync = *sync;
      if (refused != nullptr) result->refused = *refused;
    });
    settle();
    return *result;
  }
};

}  // namespace refsyncd
