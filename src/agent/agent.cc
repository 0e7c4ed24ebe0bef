#include "agent/agent.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/served_control.h"
#include "api/routes.h"
#include "base/allocator.h"
#include "base/duration.h"
#include "base/program_pages.h"
#include "base/text.h"
#include "base/version.h"
#include "config/fixed_settings.h"

namespace refsyncd {
namespace {

using std::chrono::seconds;

/// GitHub's bound, the largest that a forge documents.
constexpr size_t largest_notice = 25 << 20;

LogSettings log_settings(const LogConfig& config) {
  LogSettings settings;
  switch (config.level) {
    case LogLevel::trace: settings.level = Severity::trace; break;
    case LogLevel::debug: settings.level = Severity::debug; break;
    case LogLevel::info: settings.level = Severity::info; break;
    case LogLevel::warning: settings.level = Severity::warning; break;
    case LogLevel::error: settings.level = Severity::error; break;
  }
  switch (config.format) {
    case LogFormat::automatic: settings.form = LogForm::automatic; break;
    case LogFormat::text: settings.form = LogForm::text; break;
    case LogFormat::json: settings.form = LogForm::json; break;
    case LogFormat::journal: settings.form = LogForm::journal; break;
  }
  return settings;
}

/// Why a good file is refused by an agent that was started with `running`, or "".
std::string cannot_take(const Config& config, const ServiceConfig& running) {
  auto problems = changed_fixed_settings(running, config);
  return problems.empty() ? "" : ConfigError(config.file, std::move(problems)).what();
}

}  // namespace

Agent::Agent(Config config, Environment environment, const Clock& clock)
    : clock_(clock),
      environment_(std::move(environment)),
      config_file_(config.file),
      watch_(config.file),
      service_(config.service),
      http_(config.http),
      webhook_secret_(config.service.kind == ServiceKind::mesa ? config.service.mesa.webhook_secret
                                                               : std::nullopt),
      log_format_(config.log.format),
      metrics_config_(config.metrics),
      webhooks_(config.webhooks),
      started_at_(clock.now()),
      log_(log_settings(config.log), clock),
      run_log_(log_),
      metrics_(std::string(version), clock, static_cast<size_t>(config.metrics.max_policies)),
      engine_(config.service, clock, observers_,
              [this](const Failure& failure) {
                metrics_.store_failed();
                tell(Severity::error, "store_failed", failure.message + "; nothing is lost, trying again");
              }),
      calls_({.loop = engine_.loop(),
              .recorder = engine_.recorder(),
              .draining = [this] { return draining_; },
              .stopped = [this] { return stopped(); }}),
      notices_({.engine = engine_, .observer = observers_, .clock = clock_, .calls = calls_},
               webhooks_.secrets),
      control_(std::make_unique<ServedControl>(*this)),
      config_(std::move(config)) {
  observers_.add(metrics_);
  observers_.add(run_log_);
  for (const auto& [forge, secret] : webhooks_.secrets) metrics_.expect_notices_of(forge);
  if (!engine_.local()) return;
  api_ = std::make_unique<ServedApi>(
      ServedHosting::Surroundings{.engine = engine_, .clock = clock_, .calls = calls_, .org = service_.org},
      [this](const std::string& problem) {
        engine_.loop().post([this, problem] { tell(Severity::warning, "api", problem); });
      });
  api_->configure(config_->api);
}

void Agent::run() {
  signals_.watch(
      engine_.loop(), [this] { draining_ ? interrupt() : void(stopping_ = true); }, [this] { reload({}); });
  observers_.config_loaded(false, "");
  tell(Severity::info, "starting",
       fmt::format("refsyncd {} starts: {}, {}, state in {}", version,
                   counted(config_->policies.size(), "policy"), counted(config_->repos.size(), "repository"),
                   service_.data_dir.string()));
  notices_.configure(*config_);
  engine_.start(std::move(*config_));
  config_.reset();
  give_back_freed_memory();
  last_turn_.store(clock_.steady().time_since_epoch().count());
  listen(http_);
  unmap_idle_program_pages();
  service_manager_.ready(summary());
  while (!stopping_) turn();
  drain();
}

void Agent::listen(const HttpConfig& http) {
  servers_.push_back(
      std::make_unique<HttpServer>(ListenSocket::unix_path(http.socket, "http.socket"),
                                   [this](const HttpRequest& request) { return answer_owner(request); }));
  if (http.listen.empty()) return;
  HttpLimits limits;
  for (const auto& [forge, secret] : webhooks_.secrets) {
    limits.body_bytes_at[fmt::format("/webhooks/{}", to_string(forge))] = largest_notice;
  }
  servers_.push_back(std::make_unique<HttpServer>(
      ListenSocket::tcp(http.listen, "http.listen"),
      [this](const HttpRequest& request) { return answer_public(request); }, limits));
  http_address_ = servers_.back()->address();
  if (auto* webhooks = engine_.webhooks()) webhooks->set_api_address(http_address_);
  tell(Severity::info, "listening",
       fmt::format("listening on http://{} (metrics at /metrics)", http_address_));
}

HttpResponse Agent::answer_owner(const HttpRequest& request) {
  const bool api = api_ && ApiRouter::serves(request);
  return api ? api_->serve_owner(request) : serve_control(*control_, request);
}

HttpResponse Agent::answer_public(const HttpRequest& request) {
  const bool api = api_ && ApiRouter::serves(request);
  return api ? api_->serve_public(request) : serve_public(*control_, request);
}

void Agent::turn() {
  const auto now = clock_.steady();
  last_turn_.store(now.time_since_epoch().count());
  feed_watchdog();
  if (watch_.changed(now)) reload({});
  engine_.turn(clock_.steady() + seconds(1));
}

void Agent::feed_watchdog() {
  const auto interval = service_manager_.watchdog_interval();
  const auto now = clock_.steady();
  if (!interval || now < next_watchdog_) return;
  next_watchdog_ = now + *interval;
  service_manager_.watchdog();
  service_manager_.status(summary());
}

void Agent::drain() {
  draining_ = true;
  engine_.stop_starting();
  service_manager_.stopping("draining");
  tell(Severity::info, "draining",
       fmt::format("stopping: {} in progress may end within {}; stop again to interrupt",
                   counted(engine_.service().running(), "sync"), format_duration(service_.drain)));
  const auto deadline = clock_.steady() + service_.drain;
  while (!engine_.at_rest() && clock_.steady() < deadline) turn();
  interrupt();
  const auto last = clock_.steady() + seconds(10);
  while (!engine_.at_rest() && clock_.steady() < last) turn();
  stopped_ = true;
  servers_.clear();
  tell(Severity::info, "stopped", "stopped");
}

void Agent::interrupt() {
  const auto running = engine_.service().running();
  if (running > 0 && !std::exchange(interrupted_, true)) {
    tell(Severity::warning, "interrupting",
         fmt::format("interrupting {}; what is interrupted goes on at the next start",
                     counted(running, "sync")));
  }
  engine_.interrupt();
}

void Agent::reload(std::function<void(const std::string& problem)> done) {
  if (done) next_waiters_.push_back(std::move(done));
  if (reloading_) {
    reload_again_ = true;  // what is being read may be older than what the caller means
    return;
  }
  reloading_ = true;
  reload_waiters_ = std::exchange(next_waiters_, {});
  service_manager_.reloading();
  watch_.forget_change();
  // A thread of its own: the workers may all be busy with syncs that this configuration is to end.
  reader_.submit([this] {
    std::string problem;
    auto config = std::make_shared<std::optional<Config>>();
    try {
      config->emplace(load_config(config_file_, environment_));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    engine_.loop().post([this, config, problem]() mutable {
      if (*config) problem = cannot_take(**config, service_);
      if (problem.empty()) problem = engine_.make_room_for(**config);
      if (problem.empty()) apply(std::move(**config));
      config_problem_ = problem;
      observers_.config_loaded(true, problem);
      service_manager_.ready(summary());
      reloading_ = false;
      for (auto& waiter : std::exchange(reload_waiters_, {})) waiter(problem);
      if (std::exchange(reload_again_, false)) reload({});
    });
  });
}

void Agent::apply(Config config) {
  for (const auto& [changed, what] :
       {std::pair(config.http != http_, "http"), std::pair(config.log.format != log_format_, "log.format"),
        std::pair(config.metrics != metrics_config_, "metrics"),
        std::pair(config.webhooks != webhooks_, "webhooks")}) {
    if (!changed) continue;
    tell(Severity::warning, "restart_needed",
         fmt::format("{} has changed; restart the agent to use it", what));
  }
  log_.set_level(log_settings(config.log).level);
  if (api_) api_->configure(config.api);
  service_.drain = config.service.drain;
  notices_.configure(config);
  engine_.reload(std::move(config));
  give_back_freed_memory();
}

std::string Agent::summary() {
  return fmt::format("{}, {} in progress, {} queued", counted(engine_.runner().size(), "policy"),
                     counted(engine_.service().running(), "sync"), engine_.service().waiting());
}

void Agent::tell(Severity severity, std::string_view event, std::string message) {
  log_.write({.severity = severity, .event = event, .message = std::move(message)});
}

}  // namespace refsyncd
