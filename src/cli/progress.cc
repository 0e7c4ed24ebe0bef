#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/print.h"
#include "report/wording.h"

namespace refsyncd {

std::string title(const Sync& sync) {
  if (!sync.request.policy.empty()) return sync.request.policy;
  return fmt::format("{} of {}", to_string(sync.request.direction), sync.request.repo);
}

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { clear_passing(); }

void Progress::clear_passing() {
  if (passing_) tell("\r\x1b[K");
  passing_ = false;
}

void Progress::line(const std::string& text) {
  clear_passing();
  tell(text + "\n");
}

void Progress::sync_started(const Sync& sync) { sync_progress(sync, "started"); }

void Progress::sync_progress(const Sync& sync, std::string_view text) {
  if (!terminal_) return;
  clear_passing();
  tell(fmt::format("{}: {}", title(sync), printable(text, 100)));
  passing_ = true;
}

void Progress::sync_finished(const Sync& sync) {
  if (sync.status == SyncStatus::failed) return;  // attempt_failed() says more
  const auto took = *sync.finished_at - sync.started_at.value_or(sync.created_at);
  line(fmt::format("{}: completed in {}: {}", title(sync), rough_duration(took),
                   describe(sync.refs ? count(*sync.refs) : RefCounts{})));
  if (!sync.refs) return;
  for (const auto& ref : *sync.refs) {
    if (ref.outcome != Outcome::unchanged) line("  " + printable(describe(ref)));
  }
}

void Progress::attempt_failed(const Policy& policy, const Failure& failure,
                              std::optional<milliseconds> retry_in) {
  const auto then = retry_in ? fmt::format("; trying again in {}", rough_duration(*retry_in)) : "";
  line(fmt::format("{}: failed ({}): {}{}", policy.name, to_string(failure.kind), failure.message, then));
}

}  // namespace refsyncd
