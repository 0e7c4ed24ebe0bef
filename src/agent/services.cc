#include "agent/services.h"

#include "config/secrets.h"
#include "local/maintain.h"

namespace refsyncd {
namespace {

constexpr size_t probing_threads = 2;
constexpr milliseconds keep_backups = std::chrono::hours(24 * 30);

Executor posting_to(Loop& loop) {
  return [&loop](std::function<void()> task) { loop.post(std::move(task)); };
}

}  // namespace

LocalParts::LocalParts(const ServiceConfig& config, const ServiceNeeds& needs,
                       const std::filesystem::path& data_dir)
    : git(data_dir / "git"),
      http(needs.clock),
      probers(probing_threads, "compare"),
      maintainer(1, "maintenance"),
      job(
          needs.clock, git,
          [this](const Upstream& upstream, Secret secret, Operation operation) {
            return make_remote(http, git, upstream, std::move(secret), std::move(operation));
          },
          keep_backups),
      webhooks({.clock = needs.clock,
                .store = needs.webhook_store,
                .recorder = needs.recorder,
                .observer = needs.observer,
                .loop = needs.loop,
                .in_background = needs.on_disk,
                .roll = needs.roll},
               {.credentials = data_dir / "credentials", .organization = organization_of(config.org)}),
      service({.clock = needs.clock,
               .store = needs.store,
               .recorder = webhooks.recorder(),
               .observer = needs.observer,
               .work =
                   [this](const Assignment& assignment, std::stop_token stop,
                          const LocalService::Progress& progress) {
                     auto end = job.perform(assignment, std::move(stop), progress);
                     if (end.refs) divergences.learn(*end.refs);
                     return end;
                   },
               .in_background = needs.in_background,
               .on_loop = posting_to(needs.loop),
               .data_dir = data_dir,
               .probe = make_probe(
                   http, divergences, [this](std::function<void()> task) { probers.submit(std::move(task)); },
                   posting_to(needs.loop)),
               .maintain = make_maintain(
                   needs.clock, git, keep_backups,
                   [this](std::function<void()> task) { maintainer.submit(std::move(task)); },
                   posting_to(needs.loop)),
               .enough_workers = needs.enough_workers},
              config.org, static_cast<size_t>(config.concurrency), static_cast<size_t>(config.per_host)) {}

HostedParts::HostedParts(const ServiceConfig& config, const ServiceNeeds& needs)
    : http(needs.loop, needs.clock, {}),
      service({.clock = needs.clock,
               .store = needs.store,
               .recorder = needs.recorder,
               .observer = needs.observer,
               .send = [this](HttpSend request,
                              HttpClient::Done done) { http.send(std::move(request), std::move(done)); },
               .credential = [source = config.mesa.credential] { return read_secret(source); },
               .read_secret = read_secret,
               .roll = needs.roll,
               .on_loop = posting_to(needs.loop)},
              {.url = config.mesa.url, .org = config.org, .manage_upstream = config.mesa.manage_upstream}) {}

}  // namespace refsyncd
