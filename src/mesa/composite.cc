#include "mesa/composite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace refsyncd {
namespace {

void add_missing(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const auto& one : more) {
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  }
}

SyncStatus status_of(std::span<const Sync> parts) {
  const auto all = [&](auto is) { return std::all_of(parts.begin(), parts.end(), is); };
  if (all([](const Sync& part) { return part.status == SyncStatus::queued; })) return SyncStatus::queued;
  if (!all([](const Sync& part) { return part.terminal(); })) return SyncStatus::in_progress;
  return all([](const Sync& part) { return part.status == SyncStatus::completed; }) ? SyncStatus::completed
                                                                                    : SyncStatus::failed;
}

/// How much an outcome says when another part says something else of the same ref.
int weight(Outcome outcome) {
  switch (outcome) {
    case Outcome::updated: return 3;
    case Outcome::rejected: return 2;
    case Outcome::filtered: return 1;
    case Outcome::unchanged: return 0;
  }
  return 0;
}

std::shared_ptr<const RefResults> refs_of(std::span<const Sync> parts) {
  std::map<std::string_view, const RefResult*> by_name;
  bool any = false;
  for (const auto& part : parts) {
    if (!part.refs) continue;
    any = true;
    for (const auto& ref : *part.refs) {
      auto& kept = by_name[ref.name];
      if (kept == nullptr || weight(ref.outcome) > weight(kept->outcome)) kept = &ref;
    }
  }
  if (!any) return nullptr;
  auto refs = std::make_shared<RefResults>();
  refs->reserve(by_name.size());
  for (const auto& [name, ref] : by_name) refs->push_back(*ref);
  return refs;
}

std::string describe(const RefGlobs& globs) {
  std::string text;
  if (!globs.branches.empty()) text = fmt::format("branches {}", join_globs(globs.branches));
  if (!globs.tags.empty()) {
    text += fmt::format("{}tags {}", text.empty() ? "" : ", ", join_globs(globs.tags));
  }
  return text;
}

std::optional<Failure> failure_of(std::span<const Sync> parts) {
  const Sync* worst = nullptr;
  size_t failed = 0;
  for (const auto& part : parts) {
    if (!part.failure) continue;
    ++failed;
    const bool for_a_person = !worth_retrying_soon(part.failure->kind);
    if (worst == nullptr || (for_a_person && worth_retrying_soon(worst->failure->kind))) worst = &part;
  }
  if (worst == nullptr) return std::nullopt;
  auto failure = *worst->failure;
  failure.message = fmt::format("{}: {}", describe(worst->request.globs), failure.message);
  if (failed > 1) failure.message += fmt::format(" (and {} more of {} parts)", failed - 1, parts.size());
  return failure;
}

}  // namespace

std::string join_ids(std::span<const std::string> ids) { return fmt::format("{}", fmt::join(ids, "+")); }

std::vector<std::string> split_id(std::string_view id) {
  const auto parts = split(id, '+');
  return {parts.begin(), parts.end()};
}

Sync merge_parts(std::span<const Sync> parts) {
  auto merged = parts.front();
  if (parts.size() == 1) return merged;
  std::vector<std::string> ids;
  for (const auto& part : parts) {
    ids.push_back(part.id);
    add_missing(merged.request.globs.branches, part.request.globs.branches);
    add_missing(merged.request.globs.tags, part.request.globs.tags);
    merged.request.priority = std::min(merged.request.priority, part.request.priority);
    merged.attempt = std::max(merged.attempt, part.attempt);
    merged.created_at = std::min(merged.created_at, part.created_at);
    if (!merged.started_at || (part.started_at && *part.started_at < *merged.started_at)) {
      merged.started_at = part.started_at;
    }
    merged.finished_at = std::max(merged.finished_at, part.finished_at);
  }
  merged.id = join_ids(ids);
  merged.status = status_of(parts);
  merged.refs = merged.terminal() ? refs_of(parts) : nullptr;
  merged.failure = merged.terminal() ? failure_of(parts) : std::nullopt;
  if (!merged.terminal()) merged.finished_at.reset();
  if (merged.status == SyncStatus::completed && !merged.refs) {
    merged.refs = std::make_shared<const RefResults>();
  }
  return merged;
}

}  // namespace refsyncd
