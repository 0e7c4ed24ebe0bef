#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config_watch.h"
#include "agent/engine.h"
#include "agent/loop_calls.h"
#include "agent/served_api.h"
#include "agent/served_notices.h"
#include "agent/signals.h"
#include "api/control.h"
#include "base/service_manager.h"
#include "config/config.h"
#include "http/server.h"
#include "report/log.h"
#include "report/metrics.h"
#include "report/run_log.h"

namespace refsyncd {

/// The daemon: the engine with everything around it: log, metrics, HTTP, the control socket, signals, reload,
/// systemd.
class Agent {
 public:
  /// Throws LockHeld when another agent uses the data directory, and Error when something cannot start.
  Agent(Config config, Environment environment, const Clock& clock);

  /// Runs until SIGTERM or SIGINT, then drains: running syncs may end within service.drain, and those that do
  /// not are interrupted and run again by the next start.
  void run();

  /// Reads the configuration again; `done` hears "" or what is wrong with it. On the loop's thread; returns
  /// at once.
  void reload(std::function<void(const std::string& problem)> done);

  Engine& engine() { return engine_; }
  LoopCalls& calls() { return calls_; }
  const Clock& clock() const { return clock_; }
  const Metrics& metrics() const { return metrics_; }
  const std::filesystem::path& config_file() const { return config_file_; }
  WallTime started_at() const { return started_at_; }
  /// The secret of the hosted service's webhooks; nothing when none are taken. Never changes.
  const std::optional<SecretSource>& webhook_secret() const { return webhook_secret_; }
  ServedNotices& notices() { return notices_; }
  const std::filesystem::path& data_dir() const { return service_.data_dir; }
  /// "127.0.0.1:9480" with the real port; "" when there is no TCP listener.
  std::string http_address() const { return http_address_; }
  /// What was wrong with the configuration read last; "" when it was good.
  const std::string& config_problem() const { return config_problem_; }
  bool draining() const { return draining_; }
  /// True once the loop has turned for the last time; readable from any thread.
  bool stopped() const { return stopped_; }
  /// When the loop last turned, as steady time; readable from any thread.
  SteadyTime last_turn() const { return SteadyTime{SteadyTime::duration{last_turn_.load()}}; }

 private:
  void listen(const HttpConfig& http);
  HttpResponse answer_owner(const HttpRequest& request);
  HttpResponse answer_public(const HttpRequest& request);
  void turn();
  void drain();
  void interrupt();
  void apply(Config config);
  void feed_watchdog();
  std::string summary();
  void tell(Severity severity, std::string_view event, std::string message);

  const Clock& clock_;
  const Environment environment_;
  const std::filesystem::path config_file_;
  ConfigWatch watch_;
  ServiceConfig service_;
  const HttpConfig http_;
  const std::optional<SecretSource> webhook_secret_;
  const LogFormat log_format_;
  const MetricsConfig metrics_config_;
  const WebhookConfig webhooks_;
  const WallTime started_at_;
  Signals signals_;  // first of what matters: threads made later inherit its mask
  ServiceManager service_manager_;
  Log log_;
  RunLog run_log_;
  Metrics metrics_;
  Observers observers_;
  Engine engine_;
  LoopCalls calls_;
  ServedNotices notices_;
  std::unique_ptr<Control> control_;
  std::unique_ptr<ServedApi> api_;                    // nothing with the hosted service, which has its own
  std::vector<std::unique_ptr<HttpServer>> servers_;  // their threads use control_ and all above
  std::optional<Config> config_;                      // until run() hands it to the engine
  using ReloadWaiters = std::vector<std::function<void(const std::string&)>>;
  ReloadWaiters reload_waiters_;  // for the configuration that is being read
  ReloadWaiters next_waiters_;    // for the one after
  std::string http_address_;
  std::string config_problem_;
  bool reloading_ = false;
  bool reload_again_ = false;
  bool stopping_ = false;
  bool draining_ = false;
  bool interrupted_ = false;
  std::atomic<bool> stopped_ = false;
  SteadyTime next_watchdog_{};
  std::atomic<SteadyTime::rep> last_turn_{0};
  WorkerPool reader_{1, "reload"};  // last: reads the configuration of a reload
};

}  // namespace refsyncd
