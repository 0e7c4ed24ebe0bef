#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "git/remote.h"
#include "local/queue.h"
#include "model/sync.h"

namespace refsyncd {

/// What an upstream's list of refs says about a sync.
struct Probed {
  /// Set when no ref has to move: the results the sync would have.
  std::shared_ptr<const RefResults> unchanged = nullptr;
  /// Why the upstream could not be asked.
  std::optional<Failure> failure = {};
  /// When there is work: what the upstream listed just now; nullptr when the work is to list by itself.
  std::shared_ptr<const Advertisement> listed = nullptr;
};

/// Asks an upstream whether a sync would find anything to do. Returns at once; `done` is called later, once,
/// on the loop's thread.
using Probe = std::function<void(const SyncRequest&, const Repo&, std::function<void(Probed)> done)>;

/// Asks many upstreams at once, without a thread for each: bounded in all and for each host, so that a host
/// that hangs holds up no other, more urgent requests first. Lives on the loop's thread.
class Probing {
 public:
  using Ticket = std::string;
  using Done = std::function<void(Probed)>;

  /// Without a probe nothing can be asked.
  explicit Probing(Probe probe, size_t most = 512, size_t most_of_a_host = 32);
  ~Probing();
  Probing(const Probing&) = delete;
  Probing& operator=(const Probing&) = delete;

  /// True when the repository's upstream can be asked: it speaks HTTP.
  bool possible(const Repo& repo) const;
  /// Asks, when it is the request's turn. `done` is called later, never from within this call.
  Ticket ask(const SyncRequest& request, const Repo& repo, Done done);
  /// `done` of this ticket will not be called any more. Unknown tickets are fine.
  void forget(const Ticket& ticket);

  size_t pending() const { return questions_.size(); }

 private:
  struct Question {
    SyncRequest request;
    Repo repo;
    Done done;
  };

  void ask_what_may();
  void answered(const Ticket& ticket, Probed probed);

  Probe probe_;
  Queue queue_;
  std::unordered_map<Ticket, Question> questions_;
  uint64_t tickets_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace refsyncd
