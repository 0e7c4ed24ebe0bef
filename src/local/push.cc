#include <algorithm>

#include "local/backup.h"
#include "local/job.h"

namespace refsyncd {
namespace {

std::vector<PushCommand> commands_for(const RefResults& results) {
  std::vector<PushCommand> commands;
  for (const auto& ref : results) {
    if (ref.outcome != Outcome::updated) continue;
    commands.push_back({.name = ref.name, .value = ref.after, .expected = ref.before.value_or(ObjectId{})});
  }
  return commands;
}

/// A pre-receive hook refuses a whole push when it dislikes one ref. Halves what it refused until only the
/// disliked refs are left, within a budget of pushes.
class PushApart {
 public:
  PushApart(Remote& remote, ScratchRepository& scratch) : remote_(remote), scratch_(scratch) {}

  std::vector<PushResult> push(std::span<const PushCommand> commands) {
    auto answers = remote_.push(scratch_, commands);
    const bool all_declined = std::all_of(answers.begin(), answers.end(), [](const PushResult& answer) {
      return !answer.accepted && answer.detail.find("pre-receive hook declined") != std::string::npos;
    });
    if (commands.size() < 2 || !all_declined || budget_ < 2) return answers;
    budget_ -= 2;
    const auto half = commands.size() / 2;
    answers = push(commands.first(half));
    auto rest = push(commands.subspan(half));
    answers.insert(answers.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
    return answers;
  }

 private:
  Remote& remote_;
  ScratchRepository& scratch_;
  int budget_ = 100;
};

void mark_refused(RefResults& results, const std::vector<PushResult>& answers) {
  auto answer = answers.begin();  // in the order of the commands, which is the order of the updated refs
  for (auto& ref : results) {
    if (ref.outcome != Outcome::updated || answer == answers.end()) continue;
    if (!answer->accepted) {
      ref.outcome = Outcome::rejected;
      ref.reason = answer->reason;
      ref.detail = answer->detail;
      ref.after = ref.before.value_or(ObjectId{});
    }
    ++answer;
  }
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

RefResults Push::carry_out(const Sync& sync, RefResults results, const Operation& operation) {
  const auto commands = commands_for(results);
  if (commands.empty()) return results;
  auto scratch = make_scratch_();
  keep_backups(sync, results, scratch, operation);
  mark_refused(results, PushApart(remote_, scratch).push(commands));
  read_back(results);
  return results;
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

/// A raced ref holds a value that nobody has told us yet.
void Push::read_back(RefResults& results) {
  const auto raced = [](const RefResult& ref) { return ref.reason == Reason::raced; };
  if (std::none_of(results.begin(), results.end(), raced)) return;
  const auto listed = remote_.list(literal_prefixes(request_.globs));
  for (auto& ref : results) {
    if (!raced(ref)) continue;
    const auto now = std::find_if(listed.refs.begin(), listed.refs.end(),
                                  [&](const RefValue& value) { return value.name == ref.name; });
    ref.before = now != listed.refs.end() ? std::optional(now->id) : std::nullopt;
    ref.after = ref.before.value_or(ObjectId{});
  }
}

}  // namespace refsyncd
