#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "model/observer.h"
#include "report/log_record.h"

namespace refsyncd {

/// Tells the log what happens, so that an operator reading at `info` sees every change once and no
/// repetition:
/// - one line a finished sync (policy, repository, direction, refs by outcome, duration): at info when it
/// updated a
///   ref or found something else than the policy's sync before (so also the first one after start, and the
///   first that finds nothing to do after a change), at debug when it only repeats it;
/// - one line an updated ref at info, one a rejected ref with its reason at warning, both at most `ref_lines`
/// a sync
///   and then a count; rejected refs that the policy's sync before rejected just so are at debug. Filtered
///   refs are at debug, unchanged ones at trace;
/// - a failed attempt at warning, with the wait before the next; a failed run at error when the policy worked
/// before
///   or failed otherwise, at warning while it keeps failing alike, with what a person can do about it;
/// - a webhook delivery that is given up at error, once, but when too many wait for a target only the first
/// of them, until the target takes one again; a target's first failed try at warning and the next
///   ones at debug until it takes a delivery again, which is told at info;
/// - a forge's webhook that makes policies due at info, one that concerns none at debug, and one that is
/// refused at
///   warning, at most once a minute for each forge;
/// - a maintenance of a repository that changed something at info, one that failed at warning, others at
/// debug;
/// - files that no record names at warning, at most `file_names` of them by name;
/// - a recovery, and each reload, at info; a configuration that was refused at error, one line a mistake.
class RunLog final : public Observer {
 public:
  static constexpr size_t ref_lines = 50;
  static constexpr size_t file_names = 10;

  /// The sink outlives the run log.
  explicit RunLog(LogSink& sink) : sink_(sink) {}

  void policies_changed(std::span<const Policy> policies) override;
  void config_loaded(bool reload, std::string_view problem) override;
  void sync_queued(const Sync& sync) override;
  void sync_started(const Sync& sync) override;
  void sync_progress(const Sync& sync, std::string_view line) override;
  void sync_finished(const Sync& sync) override;
  void run_started(const Policy& policy, milliseconds late) override;
  void attempt_failed(const Policy& policy, const Failure& failure,
                      std::optional<milliseconds> retry_in) override;
  void run_finished(const Policy& policy, const PolicyState& was, const PolicyState& now) override;
  void run_scheduled(const Policy& policy, WallTime next_due) override;
  void unknown_files(std::span<const std::filesystem::path> files) override;
  void notice_received(const NoticeReceipt& receipt) override;
  void maintained(const MaintenanceReport& report) override;
  void webhook_delivered(const Delivery& delivery) override;
  void webhook_failed(const Delivery& delivery, const Failure& failure,
                      std::optional<milliseconds> retry_in) override;
  void webhook_abandoned(const std::string& target_id) override;

 private:
  /// What was told of a policy last.
  struct Told {
    std::optional<uint64_t> rejected;  ///< fingerprint of the rejected refs of its last completed sync
    bool changed = false;              ///< that sync updated a ref
    std::optional<ErrorKind> failing;  ///< how its last run failed; nothing after a success
  };

  /// Refused webhooks of one forge.
  struct Refusals {
    std::optional<WallTime> told;  ///< when a line was last written
    uint64_t since = 0;            ///< how many came after it
  };

  Told& told(const std::string& policy);
  void write(const LogRecord& record);
  void completed(const Sync& sync);
  void failed(const Sync& sync);
  void refused(const NoticeReceipt& receipt);
  void list(const Sync& sync, Outcome outcome, Severity severity);

  LogSink& sink_;
  std::set<std::string> failing_targets_;   ///< ids of webhook targets whose last try failed
  std::set<std::string> overfull_targets_;  ///< ids of those that too many deliveries wait for
  std::map<Forge, Refusals> refusals_;
  std::unordered_map<uint64_t, Told> told_;  ///< by stable_hash of the policy's name
};

}  // namespace refsyncd
