#include "report/wording.h"

#include <fmt/format.h>

#include "base/duration.h"

namespace refsyncd {
namespace {

/// Enough digits to name a commit in any repository of ordinary size.
std::string abbreviated(const ObjectId& id) { return id.hex().substr(0, 10); }

std::string_view explanation(Reason reason) {
  switch (reason) {
    case Reason::non_fast_forward: return "the target has commits that the source does not have";
    case Reason::tag_exists: return "the target has another tag of this name";
    case Reason::directory_file_conflict:
      return "the target has a ref whose name is a parent or child of this one";
    case Reason::raced: return "the ref moved while the sync ran";
    case Reason::remote_refused: return "the upstream refused the update";
    case Reason::prune_guard: return "it is the branch of HEAD, or too many refs would be deleted at once";
    case Reason::not_a_commit: return "a branch must name a commit";
    case Reason::missing_object: return "the source does not have the object it names";
    case Reason::up_to_date:
    case Reason::created:
    case Reason::fast_forward:
    case Reason::forced:
    case Reason::pruned:
    case Reason::excluded: return "";
  }
  return "";
}

std::string describe_update(const RefResult& ref) {
  if (!ref.before || ref.before->absent())
    return fmt::format("{} created at {}", ref.name, abbreviated(ref.after));
  if (ref.after.absent()) return fmt::format("{} deleted, was {}", ref.name, abbreviated(*ref.before));
  return fmt::format("{} updated {}..{} ({})", ref.name, abbreviated(*ref.before), abbreviated(ref.after),
                     to_string(ref.reason));
}

std::string describe_rejection(const RefResult& ref) {
  auto text = fmt::format("{} rejected ({})", ref.name, to_string(ref.reason));
  if (const auto why = explanation(ref.reason); !why.empty()) text += fmt::format(": {}", why);
  if (ref.offered && ref.before) {
    text += fmt::format("; it holds {}, the source offers {}", abbreviated(*ref.before),
                        abbreviated(*ref.offered));
  }
  if (!ref.detail.empty()) text += fmt::format("; it says: {}", ref.detail);
  return text;
}

}  // namespace

std::string rough_duration(milliseconds duration) {
  if (duration < std::chrono::seconds(1)) return fmt::format("{}ms", duration.count());
  if (duration < std::chrono::minutes(1)) {
    const auto tenths = duration.count() / 100;
    return fmt::format("{}.{}s", tenths / 10, tenths % 10);
  }
  return format_duration(std::chrono::floor<std::chrono::seconds>(duration));
}

std::string describe(const RefCounts& counts) {
  std::string text;
  for (const auto outcome : all_outcomes) {
    if (counts[outcome] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[outcome], to_string(outcome));
  }
  return text.empty() ? "no refs" : text;
}

std::string describe(const RefResult& ref) {
  switch (ref.outcome) {
    case Outcome::updated: return describe_update(ref);
    case Outcome::unchanged: return fmt::format("{} unchanged", ref.name);
    case Outcome::filtered: return fmt::format("{} filtered ({})", ref.name, to_string(ref.reason));
    case Outcome::rejected: return describe_rejection(ref);
  }
  return ref.name;
}

std::string_view remedy(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::auth: return "check the upstream's credential (auth) and its rights";
    case ErrorKind::not_found:
      return "check the upstream's url, and that the credential may see the repository";
    case ErrorKind::untrusted:
      return "check the server's certificate (tls.ca_file) or host key (known_hosts)";
    case ErrorKind::bad_config: return "change the configuration and reload";
    case ErrorKind::transient:
    case ErrorKind::throttled:
    case ErrorKind::internal: return "";
  }
  return "";
}

}  // namespace refsyncd
