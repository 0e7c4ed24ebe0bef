#include <algorithm>

#include "git/ref_values.h"
#include "local/backup.h"
#include "local/job.h"

namespace refsyncd {
namespace {

/// A pre-receive hook refuses a whole push when it dislikes one ref. Halves what it refused until only the
/// disliked refs are left, within a budget of pushes.
class PushApart {
 public:
  PushApart(Remote& remote, ScratchRepository& scratch) : remote_(remote), scratch_(scratch) {}

  PushAnswer push(std::span<const RefUpdate> commands) {
    auto answer = remote_.push(scratch_, commands);
    const bool all_declined =
        !answer.failure &&
        std::all_of(answer.results.begin(), answer.results.end(), [](const PushResult& result) {
          return !result.accepted && result.detail.find("pre-receive hook declined") != std::string::npos;
        });
    if (commands.size() < 2 || !all_declined || budget_ < 2) return answer;
    budget_ -= 2;
    const auto half = commands.size() / 2;
    answer = push(commands.first(half));
    if (answer.failure) return answer;
    auto rest = push(commands.subspan(half));
    answer.results.insert(answer.results.end(), std::make_move_iterator(rest.results.begin()),
                          std::make_move_iterator(rest.results.end()));
    answer.failure = std::move(rest.failure);
    return answer;
  }

 private:
  Remote& remote_;
  ScratchRepository& scratch_;
  int budget_ = 100;
};

/// What the upstream holds now, where that was asked; nothing when it did not say.
using Held = std::optional<std::vector<RefValue>>;

std::optional<ObjectId> value_in(const Held& held, const std::string& name) {
  if (!held) return std::nullopt;
  return refsyncd::value_in(*held, name);
}

/// True when the ref is known to hold what the plan wanted.
bool has_moved(const RefResult& ref, const Held& held) {
  return held && value_in(held, ref.name).value_or(ObjectId{}) == ref.after;
}

void mark_refused(RefResult& ref, const PushResult& answer, const Held& held) {
  if (answer.accepted || (!answer.told && has_moved(ref, held))) return;
  ref.outcome = Outcome::rejected;
  ref.reason = answer.reason;
  ref.detail = answer.detail;
  if (held && (answer.reason == Reason::raced || !answer.told)) ref.before = value_in(held, ref.name);
  ref.after = ref.before.value_or(ObjectId{});
}

/// Writes the answers into the results. Refs without an answer are left out, unless they have moved.
void mark_answers(RefResults& results, const std::vector<PushResult>& answers, const Held& held) {
  auto answer = answers.begin();  // in the order of the commands, which is the order of the updated refs
  std::erase_if(results, [&](RefResult& ref) {
    if (ref.outcome != Outcome::updated) return false;
    if (answer == answers.end() || answer->name != ref.name) return !has_moved(ref, held);
    mark_refused(ref, *answer++, held);
    return false;
  });
}

/// A raced ref holds a value that nobody has told us yet; and where an answer is missing, the upstream may
/// have moved the ref before the answer was lost.
bool must_look(const PushAnswer& answer) {
  if (answer.failure) return worth_retrying_soon(answer.failure->kind);
  return std::any_of(answer.results.begin(), answer.results.end(), [](const PushResult& result) {
    return !result.accepted && (!result.told || result.reason == Reason::raced);
  });
}

}  // namespace

Push::Push(const SyncRequest& request, Remote& remote, const Repository& source,
           std::function<ScratchRepository()> make_scratch)
    : request_(request), remote_(remote), source_(source), make_scratch_(std::move(make_scratch)) {}

RefResults Push::plan() {
  const auto listed = remote_.list(literal_prefixes(request_.globs));
  const auto objects = source_.reader();
  return plan_refs(rules_of(request_), objects.refs(), listed.refs, listed.head_target,
                   [&](const ObjectId& base, const ObjectId& tip) { return objects.ancestry(base, tip); });
}

void Push::carry_out(const Sync& sync, RefResults results, const Operation& operation, RefResults& handled) {
  const auto commands = updates_for(results);
  if (!commands.empty()) {
    auto scratch = make_scratch_();
    keep_backups(sync, results, scratch, operation);
    const auto answer = PushApart(remote_, scratch).push(commands);
    mark_answers(results, answer.results, must_look(answer) ? held_now() : std::nullopt);
    if (answer.failure) {
      if (count(results).updated > 0) handled = std::move(results);
      throw Error(*answer.failure);
    }
  }
  handled = std::move(results);
}

/// Keeps what the upstream is about to lose in our repository, fetching what we do not have.
void Push::keep_backups(const Sync& sync, const RefResults& results, ScratchRepository& scratch,
                        const Operation& operation) {
  const auto backups = backups_for(sync, results);
  if (backups.empty()) return;
  const auto objects = source_.reader();
  std::vector<std::string> unknown;
  for (const auto& ref : results) {
    const bool lost = ref.reason == Reason::forced || ref.reason == Reason::pruned;
    if (ref.outcome == Outcome::updated && lost && !objects.contains(*ref.before))
      unknown.push_back(ref.name);
  }
  if (!unknown.empty()) {
    remote_.fetch(scratch, unknown);
    source_.adopt_objects(scratch);
  }
  write_backups(source_, backups, operation);
}

/// What the upstream holds after the push; nothing when it does not say.
std::optional<std::vector<RefValue>> Push::held_now() {
  try {
    return remote_.list(literal_prefixes(request_.globs)).refs;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace refsyncd
