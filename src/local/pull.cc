#include <algorithm>

#include "local/backup.h"
#include "local/job.h"

namespace refsyncd {
namespace {

/// More new refs than this are packed at once, instead of leaving a file for each.
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

std::vector<RefUpdate> updates_for(const RefResults& results) {
  std::vector<RefUpdate> updates;
  for (const auto& ref : results) {
    if (ref.outcome != Outcome::updated) continue;
    updates.push_back({.name = ref.name, .value = ref.after, .expected = ref.before.value_or(ObjectId{})});
  }
  return updates;
}

/// Refs that moved while we worked were left alone: say so, and what they hold.
void mark_raced(RefResults& results, const std::vector<std::string>& raced, const ObjectReader& target) {
  if (raced.empty()) return;
  const auto held = target.refs();
  for (auto& ref : results) {
    if (ref.outcome != Outcome::updated || std::find(raced.begin(), raced.end(), ref.name) == raced.end())
      continue;
    const auto now =
        std::find_if(held.begin(), held.end(), [&](const RefValue& r) { return r.name == ref.name; });
    ref.before = now != held.end() ? std::optional(now->id) : std::nullopt;
    ref.after = ref.before.value_or(ObjectId{});
    ref.outcome = Outcome::rejected;
    ref.reason = Reason::raced;
  }
}

}  // namespace

Pull::Pull(const SyncRequest& request, Remote& remote, const Repository& target,
           std::function<ScratchRepository()> make_scratch)
    : request_(request), remote_(remote), target_(target), make_scratch_(std::move(make_scratch)) {}

RefResults Pull::plan() {
  const auto rules = rules_of(request_);
  auto listed = remote_.list(literal_prefixes(request_.globs));
  upstream_head_ = listed.head_target;
  const auto target = target_.reader();
  const auto held = target.refs();
  const auto names = refs_to_transfer(rules, listed.refs, held);
  if (!names.empty()) {
    scratch_.emplace(make_scratch_());
    remote_.fetch(*scratch_, names);
  }
  const auto objects = scratch_ ? scratch_->reader() : target_.reader();
  const auto source =
      with_fetched(std::move(listed.refs), scratch_ ? objects.refs() : std::vector<RefValue>{});
  return plan_refs(rules, source, held, target.head_target(),
                   [&](const ObjectId& base, const ObjectId& tip) { return objects.ancestry(base, tip); });
}

RefResults Pull::carry_out(const Sync& sync, RefResults results, const Operation& operation) {
  const auto updates = updates_for(results);
  if (!updates.empty()) {
    if (scratch_) target_.adopt_objects(*scratch_);
    write_backups(target_, backups_for(sync, results), operation);
    const auto raced = target_.update_refs(updates, operation);
    mark_raced(results, raced, target_.reader());
    if (updates.size() > many_refs) target_.pack_refs(operation);
  }
  follow_head();
  return results;
}

/// While HEAD names a branch that does not exist, it follows the upstream's.
void Pull::follow_head() const {
  if (upstream_head_.empty()) return;
  const auto target = target_.reader();
  const auto head = target.head_target();
  if (head.empty() || head == upstream_head_) return;
  const auto held = target.refs();
  const auto exists = [&](const std::string& name) {
    return std::any_of(held.begin(), held.end(), [&](const RefValue& ref) { return ref.name == name; });
  };
  if (!exists(head) && exists(upstream_head_)) target_.set_head(upstream_head_);
}

}  // namespace refsyncd
