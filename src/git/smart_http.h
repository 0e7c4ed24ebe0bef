#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/handle.h"
#include "base/secret.h"
#include "git/advertisement.h"
#include "git/program.h"
#include "git/remote.h"
#include "git/wire/capabilities.h"
#include "git/wire/fetch.h"
#include "http/http_thread.h"
#include "model/policy.h"

namespace refsyncd {

/// One round of a fetch that is under way.
class FetchRound;

/// Git's smart HTTP protocol, spoken to every upstream over kept connections, on a thread of its own. What a
/// host can do is asked once and remembered, until it stops holding. Safe from any thread.
class SmartHttp {
 public:
  /// The clock outlives it; the process ignores SIGPIPE.
  explicit SmartHttp(const Clock& clock);
  /// Ends what is under way: no function is called any more. Later requests are dropped. Nobody is told: who
  /// waits in list_now() or for a round does so until its operation ends.
  void stop();

  struct ListRequest {
    Upstream upstream;
    Secret secret;
    std::vector<std::string> prefixes;  ///< as in Remote::list()
    AdvertisementLimits limits;
    milliseconds timeout = std::chrono::minutes(2);  ///< of all it takes
    std::string known = {};  ///< the digest of an answer that need not be read again; "" for none
  };
  /// Exactly one of `listed`, `failure` and `same` is set.
  struct ListAnswer {
    std::shared_ptr<const Advertisement> listed = nullptr;
    std::optional<Failure> failure = {};
    bool same = false;        ///< it is byte for byte the one that is known
    std::string digest = {};  ///< of the answer; "" for a failure, and for a server before protocol version 2
  };
  /// Asks what the upstream has. `done` is called once, on our thread: it must not block or throw.
  void list(ListRequest request, std::function<void(ListAnswer)> done);
  /// How many list() requests are not over yet.
  size_t listing() const { return listing_; }
  /// The same as list(), waiting for it as long as the operation allows. Throws the failure.
  std::shared_ptr<const Advertisement> list_now(ListRequest request, const Operation& operation);

  /// What the upstream's host can do, as far as it has been asked.
  std::optional<ServerCapabilities> capabilities(const Upstream& upstream) const;
  /// The next list() asks the upstream what it can do.
  void forget_capabilities(const Upstream& upstream);

  struct FetchCall {
    Upstream upstream;
    Secret secret;
    ServerCapabilities capabilities;
    FetchRequest request;
    FileDescriptor pack;   ///< a pipe's write end: gets the pack, and is closed at the answer's end
    uint64_t limit;        ///< bytes of the pack
    milliseconds timeout;  ///< of the whole round
    std::function<void(std::string_view)>
        on_progress;  ///< may be empty; called on our thread, while the round is there
  };
  /// Sends a round. The returned object must not outlive us.
  std::unique_ptr<FetchRound> fetch(FetchCall call);

 private:
  friend class Listing;
  void remember(const std::string& origin, const std::optional<ServerCapabilities>& capabilities);

  const Clock& clock_;
  std::atomic<size_t> listing_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, ServerCapabilities> known_;  // by origin
  HttpThread thread_;                                // last: it uses everything above
};

/// What came is no answer to our request, and no pack had begun: the server may not know what we make use of.
class NotAnswered : public Error {
 public:
  using Error::Error;
};

/// For the thread that asked. Destroying it ends the round.
class FetchRound {
 public:
  FetchRound() = default;
  FetchRound(const FetchRound&) = delete;
  FetchRound& operator=(const FetchRound&) = delete;
  virtual ~FetchRound() = default;
  /// Waits until the pack's first bytes are in the pipe (true) or the answer is over without any. Throws
  /// Error(transient) when the operation ends before.
  virtual bool wait_for_pack(const Operation& operation) = 0;
  /// Waits for the answer's end. Throws what went wrong: ObjectGone, PackNotTaken, NotAnswered, or another
  /// classified Error.
  virtual FetchReply finish(const Operation& operation) = 0;
};

/// The Remote that suits the upstream: http and https are spoken here, all else is left to the git program;
/// and so is, for http, pushing, and what comes from servers that do not know version 2 of the protocol.
/// `http` and `git` outlive it. `secret` as for make_git_program_remote().
std::unique_ptr<Remote> make_remote(SmartHttp& http, const GitProgram& git, const Upstream& upstream,
                                    Secret secret, Operation operation);

}  // namespace refsyncd
