#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/worker_pool.h"
#include "contract/webhook_json.h"
#include "mesa/api.h"
#include "mesa/credential_organization.h"
#include "mesa/lost.h"
#include "mesa/page_guard.h"
#include "mesa/poller.h"
#include "mesa/recent.h"
#include "mesa/upstreams.h"
#include "model/observer.h"
#include "model/store.h"
#include "model/sync_service.h"

namespace refsyncd {

/// The hosted sync service, through its API. Lives on the loop's thread.
///
/// The API takes one glob of each kind: a request with more becomes several syncs there, its parts. Each part
/// is recorded and reported as a sync of its own, under the id the service gave it; who asked sees the parts
/// as one sync (see mesa/composite.h). What the service says of a part is durable before it is told.
class MesaService final : public SyncService {
 public:
  struct Settings {
    std::string url;               ///< base of all calls, without a final slash
    std::string org;               ///< "" = the one the credential belongs to
    bool manage_upstream = false;  ///< set upstreams there when they differ from what is configured
  };
  /// What the service needs from its surroundings.
  struct Surroundings {
    const Clock& clock;
    Store& store;
    Recorder& recorder;
    Observer& observer;
    std::function<void(HttpSend, HttpClient::Done)> send;    ///< HttpClient::send
    std::function<Secret()> credential;                      ///< of the API, read anew at each call
    std::function<Secret(const SecretSource&)> read_secret;  ///< of an upstream
    std::function<double()> roll;                            ///< dice in [0, 1)
    Executor on_loop;                                        ///< hands a function to the loop's thread
  };

  MesaService(Surroundings surroundings, Settings settings);

  void set_listener(SyncListener& listener) override { listener_ = &listener; }
  /// The limits say nothing here: the service decides what runs there.
  void configure(std::vector<Repo> repos, size_t concurrency, size_t per_host) override;
  /// Goes on following what an earlier process asked for.
  void adopt(std::vector<RepositoryRecord> repositories, std::vector<Sync> unfinished) override;

  void enqueue(const SyncRequest& request, Answer answer) override;
  bool follow(const std::string& sync_id) override;
  /// Lets go of the sync, which fails here; what it does there cannot be stopped.
  void cancel(const std::string& sync_id, const Failure& why) override;

  void stop_starting() override { stopped_ = true; }
  /// Requests without an answer stay without one: the next process looks for what became of them.
  void interrupt() override;
  size_t waiting() const override { return 0; }
  /// Requests under way. Syncs run elsewhere: no stop has to wait for them.
  size_t running() const override { return unanswered_; }
  std::string waiting_for(const std::string& sync_id) const override;

  SteadyTime next_wake() const override;
  void tick() override;

  /// What a webhook said, whose signature was good: ends the sync without waiting for a poll. Each event
  /// counts once.
  void told(const WebhookEvent& event);

 private:
  /// One request, and its parts as last seen. Shared by the parts that have not ended, and by what is asked
  /// of the service for it.
  struct Group {
    std::vector<Sync> parts;
    size_t awaited = 0;              // parts without an id yet
    std::optional<Failure> refused;  // why one of them has none
    Answer answer;
    SyncStatus told = SyncStatus::queued;
  };
  struct Place {
    std::shared_ptr<Group> group;
    size_t index = 0;
  };
  struct InFlight {
    Sync sync;
    SteadyTime deadline{};
    std::vector<std::shared_ptr<Group>> groups;
  };

  std::optional<Failure> why_not(const SyncRequest& request) const;
  void refuse(Answer answer, Failure why);
  void prepare(const SyncRequest& request, Answer answer);
  void ask_for_parts(const SyncRequest& request, Answer answer);
  void obtain(const SyncRequest& part, Place place);
  void look_for(const SyncRequest& part, WallTime sent, const std::shared_ptr<PageGuard>& guard,
                const std::optional<std::string>& cursor);
  void look_at(const SyncRequest& part, WallTime sent, const std::shared_ptr<PageGuard>& guard,
               const SyncPage& page);
  void post(const SyncRequest& part);
  void accepted(const SyncRequest& part, const Sync& sync);
  void not_accepted(const std::string& key, const Failure& why);
  bool known(const std::string& id) const;
  InFlight& follow_part(Sync sync, milliseconds age);
  void share(InFlight& part, const SyncRequest& request);
  void settle(const Place& place, InFlight& part);
  void answer_when_complete(Group& group);

  void observe(const Sync& seen);
  void end(const std::string& id, const Failure& why);
  void tell(const InFlight& part, const std::optional<Sync>& started);
  static std::optional<Sync> take_up(Group& group, const Sync& part);
  void forget(const std::string& id);

  Surroundings around_;
  MesaApi api_;
  CredentialOrganization organisation_;
  UpstreamKeeper upstreams_;
  Poller poller_;
  const bool manage_upstream_;
  SyncListener* listener_ = nullptr;
  std::unordered_set<std::string> repos_;
  std::unordered_map<std::string, InFlight> in_flight_;  // by the service's id
  std::unordered_map<std::string, std::string> queued_;  // work key -> id of a sync that has not started
  std::unordered_map<std::string, std::vector<Place>> asked_for_;  // work key -> who waits for its id
  std::set<std::pair<SteadyTime, std::string>> deadlines_;
  LostRequests lost_;
  Recent events_;
  size_t unanswered_ = 0;
  bool stopped_ = false;
  bool interrupted_ = false;
};

}  // namespace refsyncd
