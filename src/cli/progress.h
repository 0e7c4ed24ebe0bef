#pragma once
#include <string>

#include "model/observer.h"

namespace refsyncd {

/// Shows syncs to a person on stderr as they happen: one line for each thing that matters, and on a terminal
/// a last line that is rewritten with what runs just now.
class Progress final : public Observer {
 public:
  Progress();
  ~Progress() override;

  void sync_started(const Sync& sync) override;
  void sync_progress(const Sync& sync, std::string_view line) override;
  void sync_finished(const Sync& sync) override;
  void attempt_failed(const Policy& policy, const Failure& failure,
                      std::optional<milliseconds> retry_in) override;

  /// Anything else a person should know, as a line of its own.
  void line(const std::string& text);

 private:
  void clear_passing();

  const bool terminal_;
  bool passing_ = false;  ///< a rewritable line is on the screen
};

/// How a sync is named to a person: its policy, or "pull of app" for one asked for by hand.
std::string title(const Sync& sync);

}  // namespace refsyncd
