#include "local/known_answers.h"

#include <algorithm>
#include <utility>

namespace refsyncd {
namespace {

std::string key_of(const SyncRequest& request) { return request.repo + '\n' + request.policy; }

}  // namespace

std::shared_ptr<const KnownAnswers::Answer> KnownAnswers::find(const SyncRequest& request, const Repo& repo) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(key_of(request));
  if (found == entries_.end()) return nullptr;
  auto& entry = found->second;
  if (!entry.request.same_work(request) || entry.repo != repo) return nullptr;
  entry.used = ++uses_;
  return entry.answer;
}

void KnownAnswers::keep(const SyncRequest& request, const Repo& repo, Answer answer) {
  const std::scoped_lock lock(mutex_);
  forget(key_of(request));
  if (!wants(answer.results->size())) return;
  held_ += answer.results->size();
  while (held_ > most_) forget_longest_unused();
  entries_.emplace(key_of(request), Entry{.request = request,
                                          .repo = repo,
                                          .answer = std::make_shared<const Answer>(std::move(answer)),
                                          .used = ++uses_});
}

void KnownAnswers::forget(const std::string& key) {
  if (const auto known = entries_.extract(key)) held_ -= known.mapped().answer->results->size();
}

/// There are few entries: each has many results.
void KnownAnswers::forget_longest_unused() {
  const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    return a.second.used < b.second.used;
  });
  held_ -= oldest->second.answer->results->size();
  entries_.erase(oldest);
}

}  // namespace refsyncd
