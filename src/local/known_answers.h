#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "model/policy.h"
#include "model/sync.h"

namespace refsyncd {

/// What asking an upstream came to the last time, where that took long to find out: many refs, none of which
/// was to move. As long as neither side changes it is so again, and neither list need be read. Holds as many
/// results as fit, the last used ones. Any thread.
class KnownAnswers {
 public:
  struct Answer {
    std::string digest;  ///< of what the upstream said
    std::string stamp;   ///< of what the repository held: RefSnapshot::stamp(), and HEAD
    std::shared_ptr<const RefResults> results;
  };

  /// Fewer results than `few` are quickly found again; `most` are held, in all.
  explicit KnownAnswers(size_t few = 500, size_t most = 250'000) : few_(few), most_(most) {}

  /// So many results are worth keeping, and fit.
  bool wants(size_t results) const { return results >= few_ && results <= most_; }
  /// What is known of this very question, asked of this very upstream; nullptr for nothing.
  std::shared_ptr<const Answer> find(const SyncRequest& request, const Repo& repo);
  /// Replaces what was known of the question.
  void keep(const SyncRequest& request, const Repo& repo, Answer answer);

 private:
  struct Entry {
    SyncRequest request;
    Repo repo;
    std::shared_ptr<const Answer> answer;
    uint64_t used = 0;  ///< larger is later
  };
  void forget(const std::string& key);
  void forget_longest_unused();

  const size_t few_;
  const size_t most_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  size_t held_ = 0;  // results in all
  uint64_t uses_ = 0;
};

}  // namespace refsyncd
