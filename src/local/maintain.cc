#include "local/maintain.h"

#include <sys/resource.h>

#include <utility>

#include "git/repository.h"
#include "local/upkeep.h"

namespace refsyncd {
namespace {

constexpr auto longest = std::chrono::minutes(10);
constexpr int nice = 10;

/// Of this thread alone, on Linux, and of the processes it starts. The disk's scheduler follows it.
void be_nice() { ::setpriority(PRIO_PROCESS, 0, nice); }

}  // namespace

Maintain make_maintain(const Clock& clock, const GitProgram& git, milliseconds keep_backups,
                       Executor in_background, Executor on_loop) {
  return [&clock, &git, keep_backups, in_background = std::move(in_background), on_loop = std::move(on_loop),
          started = clock.steady()](const Repo& repo, std::stop_token stop,
                                    std::function<void(std::optional<MaintenanceReport>)> done) {
    in_background(
        [&clock, &git, keep_backups, on_loop, started, repo, stop = std::move(stop), done = std::move(done)] {
          be_nice();
          const auto begun = clock.steady();
          std::optional<MaintenanceReport> report;
          try {
            report = maintain(Repository::open(git, repo.path, false),
                              {.now = clock.now(),
                               .backups_until = clock.now() - keep_backups,
                               .ours = std::chrono::duration_cast<milliseconds>(begun - started),
                               .deadline = begun + longest,
                               .stop = stop});
          } catch (...) {
            const auto failure = current_failure();
            // Nothing was ever pulled into it.
            if (failure.kind != ErrorKind::not_found) {
              report.emplace().result = MaintenanceResult::failed;
              report->problem = failure.message;
            }
          }
          if (report) {
            report->repo = repo.name;
            report->took = std::chrono::duration_cast<milliseconds>(clock.steady() - begun);
          }
          on_loop([done, report = std::move(report)] { done(report); });
        });
  };
}

}  // namespace refsyncd
