#include "git/ref_plan.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "git/ref_values.h"

namespace refsyncd {
namespace {

constexpr std::string_view tags = "refs/tags/";

bool by_name(const RefValue& a, const RefValue& b) { return a.name < b.name; }

/// Looks names up in refs sorted by name, asked for in that order: one walk for all of them.
class InOrder {
 public:
  explicit InOrder(std::span<const RefValue> refs) : refs_(refs) {}

  const RefValue* find(std::string_view name) {
    int order = -1;
    while (next_ < refs_.size() && (order = std::string_view(refs_[next_].name).compare(name)) < 0) ++next_;
    return next_ < refs_.size() && order == 0 ? &refs_[next_] : nullptr;
  }

 private:
  std::span<const RefValue> refs_;
  size_t next_ = 0;
};

bool selected(const RefRules& rules, const std::string& name) {
  return rules.globs.matches(name) && !rules.exclude.matches(name);
}

/// The target's refs that prune is to delete, and those of them that the guard lets go.
struct Pruning {
  std::vector<const RefValue*> refs;
  std::vector<const RefValue*> allowed;
};

Pruning refs_to_prune(const RefRules& rules, std::span<const RefValue> source,
                      std::span<const RefValue> target, const std::string& head) {
  Pruning pruning;
  if (!rules.prune) return pruning;
  const auto in_scope = [&](const RefValue& ref) { return selected(rules, ref.name); };
  for (const auto& ref : target) {
    if (is_to_be_pruned(rules, source, ref.name)) pruning.refs.push_back(&ref);
  }
  if (pruning.refs.empty()) return pruning;
  const auto held = static_cast<size_t>(std::count_if(target.begin(), target.end(), in_scope));
  const bool source_is_empty = std::none_of(source.begin(), source.end(), in_scope);
  if (source_is_empty || 2 * pruning.refs.size() > held) return pruning;
  std::copy_if(pruning.refs.begin(), pruning.refs.end(), std::back_inserter(pruning.allowed),
               [&](const RefValue* ref) { return ref->name != head; });
  return pruning;
}

/// Git keeps refs as files: a name may not be another's directory.
bool name_is_blocked(const std::string& name, std::span<const RefValue> kept) {
  for (auto slash = name.rfind('/'); slash != std::string::npos && slash > 0;
       slash = name.rfind('/', slash - 1)) {
    if (find_ref(kept, std::string_view(name).substr(0, slash)) != nullptr) return true;
  }
  const auto below = RefValue{.name = name + '/', .id = {}};
  const auto at = std::lower_bound(kept.begin(), kept.end(), below, by_name);
  return at != kept.end() && at->name.starts_with(below.name);
}

RefResult decided(const RefValue& source, const RefValue* target, Outcome outcome, Reason reason) {
  const auto before = target != nullptr ? std::optional(target->id) : std::nullopt;
  return {.name = source.name,
          .before = before,
          .after = outcome == Outcome::updated ? source.id : before.value_or(ObjectId{}),
          .outcome = outcome,
          .reason = reason,
          .offered = source.id};
}

RefResult decide_new(const RefValue& source, std::span<const RefValue> kept, const AncestryCheck& ancestry) {
  const auto reject = [&](Reason reason) { return decided(source, nullptr, Outcome::rejected, reason); };
  if (name_is_blocked(source.name, kept)) return reject(Reason::directory_file_conflict);
  const bool is_tag = source.name.starts_with(tags);
  switch (ancestry(source.id, source.id)) {
    case Ancestry::unknown_object: return reject(Reason::missing_object);
    case Ancestry::not_a_commit:
      if (!is_tag) return reject(Reason::not_a_commit);
      break;
    case Ancestry::same:
    case Ancestry::ahead:
    case Ancestry::diverged: break;
  }
  return decided(source, nullptr, Outcome::updated, Reason::created);
}

RefResult decide_tag(const RefRules& rules, const RefValue& source, const RefValue& target) {
  if (rules.force) return decided(source, &target, Outcome::updated, Reason::forced);
  return decided(source, &target, Outcome::rejected, Reason::tag_exists);
}

RefResult decide_branch(const RefRules& rules, const RefValue& source, const RefValue& target,
                        const AncestryCheck& ancestry) {
  switch (ancestry(target.id, source.id)) {
    case Ancestry::ahead: return decided(source, &target, Outcome::updated, Reason::fast_forward);
    case Ancestry::not_a_commit: return decided(source, &target, Outcome::rejected, Reason::not_a_commit);
    case Ancestry::same:
    case Ancestry::diverged:
    case Ancestry::unknown_object: break;
  }
  if (rules.force) return decided(source, &target, Outcome::updated, Reason::forced);
  return decided(source, &target, Outcome::rejected, Reason::non_fast_forward);
}

RefResult decide(const RefRules& rules, const RefValue& source, const RefValue* target,
                 std::span<const RefValue> kept, const AncestryCheck& ancestry) {
  if (rules.exclude.matches(source.name)) return decided(source, target, Outcome::filtered, Reason::excluded);
  if (target == nullptr) return decide_new(source, kept, ancestry);
  if (target->id == source.id) return decided(source, target, Outcome::unchanged, Reason::up_to_date);
  if (source.name.starts_with(tags)) return decide_tag(rules, source, *target);
  return decide_branch(rules, source, *target, ancestry);
}

/// A source that is no files of Git's may list both a and a/b; of two such new refs the upper one stays.
/// Results sorted by name.
void reject_new_below_new(RefResults& results) {
  std::unordered_set<std::string_view> made;
  for (auto& ref : results) {
    if (ref.outcome != Outcome::updated || ref.reason != Reason::created) continue;
    const std::string_view name = ref.name;
    auto slash = name.rfind('/');
    while (slash != std::string_view::npos && !made.contains(name.substr(0, slash)))
      slash = slash > 0 ? name.rfind('/', slash - 1) : std::string_view::npos;
    if (slash == std::string_view::npos) {
      made.insert(name);
    } else {
      ref.outcome = Outcome::rejected;
      ref.reason = Reason::directory_file_conflict;
      ref.after = ObjectId{};
    }
  }
}

RefResult pruned(const RefValue& target, bool allowed) {
  return {.name = target.name,
          .before = target.id,
          .after = allowed ? ObjectId{} : target.id,
          .outcome = allowed ? Outcome::updated : Outcome::rejected,
          .reason = allowed ? Reason::pruned : Reason::prune_guard,
          .offered = std::nullopt};
}

}  // namespace

std::vector<std::string> refs_to_transfer(const RefRules& rules, std::span<const RefValue> source,
                                          std::span<const RefValue> target) {
  std::vector<std::string> names;
  InOrder held_refs(target);
  for (const auto& ref : source) {
    if (!selected(rules, ref.name)) continue;
    const auto* held = held_refs.find(ref.name);
    const bool settled =
        held != nullptr && (held->id == ref.id || (ref.name.starts_with(tags) && !rules.force));
    if (!settled) names.push_back(ref.name);
  }
  return names;
}

bool is_to_be_pruned(const RefRules& rules, std::span<const RefValue> source, const std::string& name) {
  return rules.prune && selected(rules, name) && find_ref(source, name) == nullptr;
}

RefResults plan_refs(const RefRules& rules, std::span<const RefValue> source,
                     std::span<const RefValue> target, const std::string& head,
                     const AncestryCheck& ancestry) {
  const auto pruning = refs_to_prune(rules, source, target, head);
  std::vector<RefValue> without_pruned;
  std::span<const RefValue> kept = target;
  if (!pruning.allowed.empty()) {
    auto next = pruning.allowed.begin();  // in the order of the target
    for (const auto& ref : target) {
      if (next != pruning.allowed.end() && *next == &ref) {
        ++next;
      } else {
        without_pruned.push_back(ref);
      }
    }
    kept = without_pruned;
  }

  RefResults results;
  results.reserve(std::min(source.size(), target.size()));
  InOrder targets(target);
  for (const auto& ref : source) {
    if (rules.globs.matches(ref.name))
      results.push_back(decide(rules, ref, targets.find(ref.name), kept, ancestry));
  }
  reject_new_below_new(results);
  if (pruning.refs.empty()) return results;
  for (const auto* ref : pruning.refs) {
    const bool allowed = std::binary_search(pruning.allowed.begin(), pruning.allowed.end(), ref);
    results.push_back(pruned(*ref, allowed));
  }
  std::sort(results.begin(), results.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return results;
}

}  // namespace refsyncd
