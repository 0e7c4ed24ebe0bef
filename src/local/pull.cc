#include <algorithm>

#include "git/ref_files.h"
#include "git/ref_values.h"
#include "local/backup.h"
#include "local/job.h"

namespace refsyncd {
namespace {

/// After more moves than this the refs are packed if many have files of their own: those that had them
/// before, or all in a repository with reflogs.
constexpr size_t many_refs = 500;

/// The source as it really was when its objects came: fetched values replace listed ones.
std::vector<RefValue> with_fetched(std::vector<RefValue> listed, const std::vector<RefValue>& fetched) {
  auto next = fetched.begin();  // both sorted by name
  for (auto& ref : listed) {
    while (next != fetched.end() && next->name < ref.name) ++next;
    if (next != fetched.end() && next->name == ref.name) ref.id = next->id;
  }
  return listed;
}

/// Refs that were left alone: says so, what they hold, and what stood in the way.
void mark_left_alone(RefResults& results, std::span<const RefLeftAlone> left, const Repository& target) {
  if (left.empty()) return;
  const auto held = read_refs(target.path());
  for (auto& ref : results) {
    const auto found = std::find_if(left.begin(), left.end(),
                                    [&](const RefLeftAlone& alone) { return alone.name == ref.name; });
    if (ref.outcome != Outcome::updated || found == left.end()) continue;
    ref.before = value_in(held, ref.name);
    ref.after = ref.before.value_or(ObjectId{});
    ref.outcome = Outcome::rejected;
    ref.reason = Reason::raced;
    ref.detail = found->obstacle;
  }
}

/// After moving refs failed half way: leaves out those that were to move and did not.
void keep_what_moved(RefResults& results, const Repository& target) {
  const auto held = read_refs(target.path());
  std::erase_if(results, [&](const RefResult& ref) {
    return ref.outcome == Outcome::updated && value_in(held, ref.name).value_or(ObjectId{}) != ref.after;
  });
}

}  // namespace

std::vector<RefUpdate> updates_for(const RefResults& results) {
  std::vector<RefUpdate> updates;
  for (const auto& ref : results) {
    if (ref.outcome != Outcome::updated) continue;
    updates.push_back({.name = ref.name, .value = ref.after, .expected = ref.before.value_or(ObjectId{})});
  }
  return updates;
}

Pull::Pull(const SyncRequest& request, Remote& remote, const Repository& target,
           std::function<ScratchRepository()> make_scratch)
    : request_(request), remote_(remote), target_(target), make_scratch_(std::move(make_scratch)) {}

RefResults Pull::plan() {
  const auto rules = rules_of(request_);
  auto listed = remote_.list(literal_prefixes(request_.globs));
  upstream_head_ = listed.head_target;
  const auto held = read_refs(target_.path());
  head_ = read_head_target(target_.path());
  head_is_gone_ = is_to_be_pruned(rules, listed.refs, head_);
  const auto names = refs_to_transfer(rules, listed.refs, held);
  if (!names.empty()) {
    scratch_.emplace(make_scratch_());
    remote_.fetch(*scratch_, names);
  }
  std::optional<ObjectReader> opened;
  const auto& objects = scratch_ ? scratch_->reader() : opened.emplace(target_.path());
  const auto source =
      with_fetched(std::move(listed.refs), scratch_ ? scratch_->refs() : std::vector<RefValue>{});
  return plan_refs(rules, source, held, head_,
                   [&](const ObjectId& base, const ObjectId& tip) { return objects.ancestry(base, tip); });
}

void Pull::carry_out(const Sync& sync, RefResults results, const Operation& operation, RefResults& handled) {
  const auto to_move = count(results).updated;
  if (to_move > 0) {
    if (scratch_) target_.adopt_objects(*scratch_);
    write_backups(target_, backups_for(sync, results), operation);
    move_refs(results, operation, handled);
  }
  handled = std::move(results);
  tidy(to_move > many_refs, operation);
}

void Pull::move_refs(RefResults& results, const Operation& operation, RefResults& handled) const {
  try {
    mark_left_alone(results, target_.update_refs(updates_for(results), operation), target_);
  } catch (...) {
    keep_what_moved(results, target_);
    if (count(results).updated > 0) handled = std::move(results);
    throw;
  }
}

/// The refs have moved: what goes wrong from here on fails no sync, and is tried again by the next.
void Pull::tidy(bool many_moved, const Operation& operation) const {
  try {
    if (many_moved) target_.pack_refs(operation);
  } catch (const Error&) {
    return;
  }
}

}  // namespace refsyncd
