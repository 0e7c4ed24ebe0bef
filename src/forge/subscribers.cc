#include "forge/subscribers.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "config/upstream_url.h"

namespace refsyncd {
namespace {

/// "host/team/app" of an address on the network; "" of any other.
std::string name_of(const std::string& url) {
  try {
    const auto parsed = parse_upstream_url(url, "/");
    return parsed.transport == Transport::file ? "" : lower_case(parsed.identity);
  } catch (const UrlError&) {
    return "";
  }
}

/// The last two parts: "team/app" of "host/team/app"; all where there are fewer.
std::string_view end_of(std::string_view name) {
  const auto last = name.rfind('/');
  const auto before = last == std::string_view::npos || last == 0 ? last : name.rfind('/', last - 1);
  return before == std::string_view::npos ? name : name.substr(before + 1);
}

uint64_t key_of_name(std::string_view name) { return stable_hash(name); }
/// Apart from the keys of whole names.
uint64_t key_of_end(std::string_view end) { return stable_hash("*/" + std::string(end)); }

}  // namespace

Subscribers::Subscribers(const Config& config) {
  for (uint32_t position = 0; position < config.policies.size(); ++position) {
    const auto& policy = config.policies[position];
    const auto* repo = config.repo(policy.repo);
    if (policy.direction != Direction::pull || repo == nullptr || !repo->upstream) continue;
    const auto name = name_of(repo->upstream->url);
    if (name.empty()) continue;
    entries_.emplace_back(key_of_name(name), position);
    entries_.emplace_back(key_of_end(end_of(name)), position);
  }
  entries_.shrink_to_fit();
  std::sort(entries_.begin(), entries_.end());
}

void Subscribers::find(uint64_t key, std::vector<uint32_t>& positions) const {
  const auto first = std::lower_bound(entries_.begin(), entries_.end(), std::pair(key, uint32_t{0}));
  for (auto entry = first; entry != entries_.end() && entry->first == key; ++entry)
    positions.push_back(entry->second);
}

std::vector<uint32_t> Subscribers::of(const PushNotice& notice) const {
  std::vector<uint32_t> positions;
  for (const auto& url : notice.urls) {
    if (const auto name = name_of(url); !name.empty()) find(key_of_name(name), positions);
  }
  if (!notice.path.empty()) find(key_of_end(lower_case(notice.path)), positions);
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  return positions;
}

bool concerns(const PushNotice& notice, const Policy& policy) {
  return notice.any_ref || std::any_of(notice.refs.begin(), notice.refs.end(), [&](const std::string& ref) {
           return policy.globs.matches(ref) && !policy.exclude.matches(ref);
         });
}

}  // namespace refsyncd
