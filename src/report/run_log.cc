#include "report/run_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/duration.h"
#include "base/text.h"
#include "report/wording.h"

namespace refsyncd {
namespace {

using Fields = decltype(LogRecord::fields);

std::string who(const Sync& sync) { return sync.request.policy.empty() ? "by hand" : sync.request.policy; }

std::string what(const Sync& sync) {
  return fmt::format("{} of {}", to_string(sync.request.direction), sync.request.repo);
}

milliseconds taken(const Sync& sync) {
  return sync.started_at && sync.finished_at ? *sync.finished_at - *sync.started_at : milliseconds{};
}

Fields fields_of(const Sync& sync) {
  Fields fields;
  if (!sync.request.policy.empty()) fields.emplace_back("policy", sync.request.policy);
  fields.emplace_back("repo", sync.request.repo);
  fields.emplace_back("direction", std::string(to_string(sync.request.direction)));
  fields.emplace_back("sync_id", sync.id);
  return fields;
}

Fields fields_of(const Policy& policy) {
  return {{"policy", policy.name},
          {"repo", policy.repo},
          {"direction", std::string(to_string(policy.direction))}};
}

Fields fields_of(const Policy& policy, const Failure& failure) {
  auto fields = fields_of(policy);
  fields.emplace_back("kind", std::string(to_string(failure.kind)));
  fields.emplace_back("error", failure.message);
  return fields;
}

Fields fields_of(const Delivery& delivery) {
  return {{"webhook_target", delivery.target_id},
          {"delivery_id", delivery.id},
          {"webhook_event", delivery.event},
          {"attempts", static_cast<int64_t>(delivery.attempts)}};
}

Fields fields_of(const NoticeReceipt& receipt) {
  return {{"provider", std::string(to_string(receipt.forge))},
          {"result", std::string(to_string(receipt.result))},
          {"policies", static_cast<int64_t>(receipt.policies)}};
}

double seconds(milliseconds duration) { return static_cast<double>(duration.count()) / 1000.0; }

/// The same for the same refs rejected for the same reasons, in any order; 0 for none.
uint64_t fingerprint_of_rejected(const RefResults& refs) {
  uint64_t sum = 0;
  for (const auto& ref : refs) {
    if (ref.outcome == Outcome::rejected)
      sum += stable_hash(fmt::format("{} {}", to_string(ref.reason), ref.name));
  }
  return sum;
}

Fields ref_fields(const Sync& sync, const RefResult& ref) {
  auto fields = fields_of(sync);
  fields.emplace_back("ref", ref.name);
  fields.emplace_back("outcome", std::string(to_string(ref.outcome)));
  fields.emplace_back("reason", std::string(to_string(ref.reason)));
  if (ref.before) fields.emplace_back("before", ref.before->hex());
  fields.emplace_back("after", ref.after.hex());
  if (ref.offered) fields.emplace_back("offered", ref.offered->hex());
  if (!ref.detail.empty()) fields.emplace_back("detail", ref.detail);
  return fields;
}

}  // namespace

void RunLog::write(const LogRecord& record) {
  if (sink_.enabled(record.severity)) sink_.write(record);
}

RunLog::Told& RunLog::told(const std::string& policy) { return told_[stable_hash(policy)]; }

void RunLog::policies_changed(std::span<const Policy> policies) {
  std::unordered_set<uint64_t> names;
  for (const auto& policy : policies) names.insert(stable_hash(policy.name));
  std::erase_if(told_, [&](const auto& entry) { return !names.contains(entry.first); });
  write({.severity = Severity::info,
         .event = "policies_changed",
         .message = counted(policies.size(), "policy") + " scheduled",
         .fields = {{"policies", static_cast<int64_t>(policies.size())}}});
}

void RunLog::config_loaded(bool reload, std::string_view problem) {
  if (problem.empty()) {
    write({.severity = reload ? Severity::info : Severity::debug,
           .event = "config_loaded",
           .message = reload ? "configuration reloaded" : "configuration read"});
    return;
  }
  write({.severity = Severity::error,
         .event = "config_refused",
         .message = reload ? "the new configuration was refused; the old one stays"
                           : "the configuration was refused"});
  for (const auto mistake : split(trim(problem), '\n')) {
    write({.severity = Severity::error, .event = "config_problem", .message = std::string(mistake)});
  }
}

void RunLog::sync_queued(const Sync& sync) {
  if (!sink_.enabled(Severity::debug)) return;
  write({.severity = Severity::debug,
         .event = "sync_queued",
         .message = fmt::format("{}: {} queued", who(sync), what(sync)),
         .fields = fields_of(sync)});
}

void RunLog::sync_started(const Sync& sync) {
  if (!sink_.enabled(Severity::debug)) return;
  auto fields = fields_of(sync);
  fields.emplace_back("attempt", int64_t{sync.attempt});
  write({.severity = Severity::debug,
         .event = "sync_started",
         .message = fmt::format("{}: {} started", who(sync), what(sync)),
         .fields = std::move(fields)});
}

void RunLog::sync_progress(const Sync& sync, std::string_view line) {
  if (!sink_.enabled(Severity::trace)) return;
  write({.severity = Severity::trace,
         .event = "sync_progress",
         .message = fmt::format("{}: {}: {}", who(sync), what(sync), line),
         .fields = fields_of(sync)});
}

void RunLog::sync_finished(const Sync& sync) {
  if (sync.status == SyncStatus::completed) {
    completed(sync);
  } else {
    failed(sync);
  }
}

void RunLog::completed(const Sync& sync) {
  static const RefResults none;
  const auto& refs = sync.refs ? *sync.refs : none;
  const auto counts = count(refs);
  const auto rejected = fingerprint_of_rejected(refs);
  Told by_hand;
  auto& last = sync.request.policy.empty() ? by_hand : told(sync.request.policy);
  const bool same_rejected = last.rejected.has_value() && *last.rejected == rejected;
  const bool repeats = same_rejected && counts.updated == 0 && !last.changed;
  last.rejected = rejected;
  last.changed = counts.updated > 0;

  const auto severity = repeats ? Severity::debug : Severity::info;
  if (sink_.enabled(severity)) {
    auto fields = fields_of(sync);
    for (const auto outcome : all_outcomes) {
      fields.emplace_back(to_string(outcome), static_cast<int64_t>(counts[outcome]));
    }
    fields.emplace_back("seconds", seconds(taken(sync)));
    write({.severity = severity,
           .event = "sync_completed",
           .message = fmt::format("{}: {} completed in {}: {}", who(sync), what(sync),
                                  rough_duration(taken(sync)), describe(counts)),
           .fields = std::move(fields)});
  }
  list(sync, Outcome::updated, Severity::info);
  list(sync, Outcome::rejected, same_rejected ? Severity::debug : Severity::warning);
  list(sync, Outcome::filtered, Severity::debug);
  list(sync, Outcome::unchanged, Severity::trace);
}

/// A policy's failed sync is told by the attempt or the run it fails; one asked for by hand is told here
/// alone.
void RunLog::failed(const Sync& sync) {
  const auto severity = sync.request.policy.empty() ? Severity::error : Severity::debug;
  if (!sink_.enabled(severity)) return;
  const auto failure = sync.failure.value_or(Failure{});
  auto fields = fields_of(sync);
  fields.emplace_back("kind", std::string(to_string(failure.kind)));
  fields.emplace_back("error", failure.message);
  fields.emplace_back("seconds", seconds(taken(sync)));
  write({.severity = severity,
         .event = "sync_failed",
         .message = fmt::format("{}: {} failed after {}: {}", who(sync), what(sync),
                                rough_duration(taken(sync)), failure.message),
         .fields = std::move(fields)});
}

void RunLog::list(const Sync& sync, Outcome outcome, Severity severity) {
  if (!sync.refs || !sink_.enabled(severity)) return;
  size_t found = 0;
  for (const auto& ref : *sync.refs) {
    if (ref.outcome != outcome || ++found > ref_lines) continue;
    write({.severity = severity,
           .event = "ref",
           .message = fmt::format("{}: {}", who(sync), describe(ref)),
           .fields = ref_fields(sync, ref)});
  }
  if (found <= ref_lines) return;
  write({.severity = severity,
         .event = "more_refs",
         .message = fmt::format("{}: and {} more refs {}", who(sync), found - ref_lines, to_string(outcome)),
         .fields = fields_of(sync)});
}

void RunLog::run_started(const Policy& policy, milliseconds late) {
  if (!sink_.enabled(Severity::debug)) return;
  auto fields = fields_of(policy);
  fields.emplace_back("late_seconds", seconds(late));
  write({.severity = Severity::debug,
         .event = "run_started",
         .message = fmt::format("{}: due, {} late", policy.name, rough_duration(late)),
         .fields = std::move(fields)});
}

void RunLog::attempt_failed(const Policy& policy, const Failure& failure,
                            std::optional<milliseconds> retry_in) {
  if (!retry_in) return;  // the run ends with it, and run_finished tells
  auto fields = fields_of(policy, failure);
  fields.emplace_back("retry_in_seconds", seconds(*retry_in));
  write({.severity = Severity::warning,
         .event = "attempt_failed",
         .message = fmt::format("{}: attempt failed ({}): {}; next attempt in {}", policy.name,
                                to_string(failure.kind), failure.message, rough_duration(*retry_in)),
         .fields = std::move(fields)});
}

void RunLog::run_finished(const Policy& policy, const PolicyState& was, const PolicyState& now) {
  auto& last = told(policy.name);
  if (now.consecutive_failures == 0) {
    last.failing.reset();
    if (was.consecutive_failures == 0) return;
    write({.severity = Severity::info,
           .event = "run_recovered",
           .message = fmt::format("{}: recovered after {}", policy.name,
                                  counted(static_cast<size_t>(was.consecutive_failures), "failed run")),
           .fields = fields_of(policy)});
    return;
  }
  const auto failure = now.last_failure.value_or(Failure{});
  const bool news = last.failing != failure.kind;
  last.failing = failure.kind;
  auto fields = fields_of(policy, failure);
  fields.emplace_back("consecutive_failures", int64_t{now.consecutive_failures});
  auto message = fmt::format("{}: run failed ({}), {} in a row: {}", policy.name, to_string(failure.kind),
                             now.consecutive_failures, failure.message);
  if (const auto advice = remedy(failure.kind); !advice.empty()) message += fmt::format("; {}", advice);
  if (now.not_before) message += fmt::format("; next run not before {}", timestamp(*now.not_before));
  write({.severity = news ? Severity::error : Severity::warning,
         .event = "run_failed",
         .message = std::move(message),
         .fields = std::move(fields)});
}

void RunLog::run_scheduled(const Policy& policy, WallTime next_due) {
  if (!sink_.enabled(Severity::trace)) return;
  auto fields = fields_of(policy);
  fields.emplace_back("next_due", timestamp(next_due));
  write({.severity = Severity::trace,
         .event = "run_scheduled",
         .message = fmt::format("{}: next due {}", policy.name, timestamp(next_due)),
         .fields = std::move(fields)});
}

void RunLog::unknown_files(std::span<const std::filesystem::path> files) {
  std::string names;
  for (const auto& file : files.first(std::min(files.size(), file_names))) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", printable(file.string()));
  }
  if (files.size() > file_names) names += fmt::format(" and {} more", files.size() - file_names);
  write({.severity = Severity::warning,
         .event = "unknown_files",
         .message =
             fmt::format("state.db does not know these, which are left alone: {}; put back the state.db that "
                         "does, or remove what nobody needs",
                         names),
         .fields = {{"files", static_cast<int64_t>(files.size())}}});
}

void RunLog::notice_received(const NoticeReceipt& receipt) {
  switch (receipt.result) {
    case NoticeResult::unauthorized:
    case NoticeResult::malformed: return refused(receipt);
    case NoticeResult::triggered:
      return write({.severity = Severity::info,
                    .event = "webhook_triggered",
                    .message = fmt::format("{}: {} makes {} due", to_string(receipt.forge), receipt.about,
                                           counted(receipt.policies, "policy")),
                    .fields = fields_of(receipt)});
    case NoticeResult::ignored:
      return write(
          {.severity = Severity::debug,
           .event = "webhook_ignored",
           .message = fmt::format("{}: {} concerns no policy", to_string(receipt.forge), receipt.about),
           .fields = fields_of(receipt)});
  }
}

/// Anybody can send what is refused, so it must not fill the log.
void RunLog::refused(const NoticeReceipt& receipt) {
  auto& refusals = refusals_[receipt.forge];
  const auto age = refusals.told ? receipt.at - *refusals.told : milliseconds::max();
  if (age >= milliseconds{} && age < std::chrono::minutes(1)) {
    ++refusals.since;
    return;
  }
  const auto more = refusals.since == 0 ? "" : fmt::format("; {} more were refused before", refusals.since);
  refusals = {.told = receipt.at, .since = 0};
  write({.severity = Severity::warning,
         .event = "webhook_refused",
         .message = fmt::format("{}: refused a webhook: {}{}", to_string(receipt.forge), receipt.about, more),
         .fields = fields_of(receipt)});
}

void RunLog::maintained(const MaintenanceReport& report) {
  const bool failed = report.result == MaintenanceResult::failed;
  const bool told = report.result == MaintenanceResult::done && report.changed_something();
  Fields fields{{"repo", report.repo},
                {"result", std::string(to_string(report.result))},
                {"packs_before", static_cast<int64_t>(report.packs_before)},
                {"packs_after", static_cast<int64_t>(report.packs_after)},
                {"loose_refs_before", static_cast<int64_t>(report.loose_refs_before)},
                {"loose_refs_after", static_cast<int64_t>(report.loose_refs_after)},
                {"removed", static_cast<int64_t>(report.removed)},
                {"duration_ms", static_cast<int64_t>(report.took.count())}};
  if (failed) fields.emplace_back("error", report.problem);
  write({.severity = failed ? Severity::warning
                     : told ? Severity::info
                            : Severity::debug,
         .event = "maintenance",
         .message = fmt::format("maintenance of {} {} in {}: {} packs became {}, {} loose refs became {}, {} "
                                "leftovers removed{}{}",
                                report.repo, to_string(report.result), format_duration(report.took),
                                report.packs_before, report.packs_after, report.loose_refs_before,
                                report.loose_refs_after, report.removed, failed ? ": " : "", report.problem),
         .fields = std::move(fields)});
}

void RunLog::webhook_delivered(const Delivery& delivery) {
  const bool recovered = failing_targets_.erase(delivery.target_id) > 0;
  overfull_targets_.erase(delivery.target_id);
  write({.severity = recovered ? Severity::info : Severity::debug,
         .event = recovered ? "webhook_recovered" : "webhook_delivered",
         .message = fmt::format("webhook target {} took {}{}", delivery.target_id, delivery.event,
                                recovered ? ", after failures" : ""),
         .fields = fields_of(delivery)});
}

void RunLog::webhook_failed(const Delivery& delivery, const Failure& failure,
                            std::optional<milliseconds> retry_in) {
  auto fields = fields_of(delivery);
  fields.emplace_back("error", failure.message);
  const bool first = failing_targets_.insert(delivery.target_id).second;
  if (retry_in) {
    write({.severity = first ? Severity::warning : Severity::debug,
           .event = "webhook_failed",
           .message = fmt::format("webhook target {} did not take {}: {}; next try in {}", delivery.target_id,
                                  delivery.event, failure.message,
                                  format_duration(std::chrono::ceil<std::chrono::seconds>(*retry_in))),
           .fields = std::move(fields)});
  } else {
    write({.severity = Severity::error,
           .event = "webhook_dead",
           .message = fmt::format("gave up telling webhook target {} of {} after {} tries: {}",
                                  delivery.target_id, delivery.event, delivery.attempts, failure.message),
           .fields = std::move(fields)});
  }
}

void RunLog::webhook_abandoned(const std::string& target_id) {
  const bool first = overfull_targets_.insert(target_id).second;
  write({.severity = first ? Severity::error : Severity::debug,
         .event = "webhook_dead",
         .message =
             fmt::format("too many deliveries wait for webhook target {}: gave up the oldest{}", target_id,
                         first ? ", and will until it takes some; delete it if it is not needed" : ""),
         .fields = {{"webhook_target", target_id}}});
}

}  // namespace refsyncd
