#include "config/schedule_clashes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/overlap.h"

namespace refsyncd {
namespace {

constexpr size_t most_compared = 200;  // members of a group that a further one is compared with

bool same_work(const Policy& a, const Policy& b) {
  return a.repo == b.repo && a.direction == b.direction && a.force == b.force && a.prune == b.prune &&
         same_patterns(a.globs, b.globs) && same_patterns(a.exclude, b.exclude);
}

/// Equal for the same patterns in any order.
uint64_t hash_of(const std::vector<std::string>& patterns) {
  uint64_t sum = patterns.size();
  for (const auto& pattern : patterns) sum += stable_hash(pattern);
  return sum;
}

/// Equal for policies that do the same work.
uint64_t work_hash(const Policy& policy) {
  uint64_t hash = stable_hash(policy.repo) + static_cast<uint64_t>(policy.direction);
  for (const auto* patterns :
       {&policy.globs.branches, &policy.globs.tags, &policy.exclude.branches, &policy.exclude.tags}) {
    hash = hash * 31 + hash_of(*patterns);
  }
  return hash;
}

/// Finds what may clash: the earlier policies that were put under the same hash.
class Groups {
 public:
  /// The earlier members of the group; the index becomes its newest member afterwards.
  std::vector<uint32_t> join(uint64_t hash, uint32_t index) {
    auto& group = members_[hash];
    auto earlier = group;
    if (group.size() < most_compared) group.push_back(index);
    return earlier;
  }

 private:
  std::unordered_map<uint64_t, std::vector<uint32_t>> members_;
};

void report_same_work(Problems& problems, std::span<const Policy> policies, std::span<const Place> places) {
  Groups by_work;
  for (uint32_t i = 0; i < policies.size(); ++i) {
    for (const auto other : by_work.join(work_hash(policies[i]), i)) {
      if (!same_work(policies[other], policies[i])) continue;
      problems.add(places[i],
                   fmt::format("this policy does the same work as '{}' in line {}; remove one of them",
                               policies[other].name, places[other].line));
      break;
    }
  }
}

void report_push_clashes(Problems& problems, std::span<const Policy> policies, std::span<const Place> places,
                         const RepoTable& repos) {
  Groups by_upstream;
  for (uint32_t i = 0; i < policies.size(); ++i) {
    const auto& policy = policies[i];
    const std::string_view identity = repos.identities[repos.by_name.at(policy.repo)];
    if (policy.direction != Direction::push || identity.empty()) continue;
    for (const auto other : by_upstream.join(stable_hash(identity), i)) {
      const auto& earlier = policies[other];
      if (repos.identities[repos.by_name.at(earlier.repo)] != identity || earlier.repo == policy.repo)
        continue;
      if (!globs_overlap(earlier.globs, policy.globs)) continue;
      problems.add(
          places[i],
          fmt::format("this policy pushes refs to the same upstream as '{}' in line {}, from another "
                      "repository; give them globs that do not overlap",
                      earlier.name, places[other].line));
      break;
    }
  }
}

}  // namespace

void report_clashes(Problems& problems, std::span<const Policy> policies, std::span<const Place> places,
                    const RepoTable& repos) {
  report_same_work(problems, policies, places);
  report_push_clashes(problems, policies, places, repos);
}

}  // namespace refsyncd
