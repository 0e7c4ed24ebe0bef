#pragma once
#include <span>
#include <string>

#include "agent/engine.h"
#include "agent/loop_calls.h"
#include "api/hosting.h"
#include "api/json_list.h"

namespace refsyncd {

/// The embedded service as the API's Hosting: calls come from HTTP threads, the loop decides, and what it
/// decided is durable before it is answered. A repository whose creation is given up does not stay. What
/// blocks (the resolver, credentials, Git) happens on the caller's thread, before the loop is asked or after.
class ServedHosting final : public Hosting {
 public:
  struct Surroundings {
    Engine& engine;
    const Clock& clock;
    LoopCalls& calls;
    std::string org;
    size_t most_refs = most_refs_in_a_list;  ///< with so many refs a page ends
  };

  /// The engine has the embedded service; what is around outlives the hosting.
  explicit ServedHosting(Surroundings surroundings) : around_(std::move(surroundings)) {}

  Organization organization() const override { return organization_of(around_.org); }
  HostedPage<HostedRepo> repos(const std::string& after, size_t limit) override;
  HostedRepo repo(const std::string& name) override;
  HostedRepo create(const NewRepo& repo) override;
  HostedRepo change(const std::string& name, const RepoChange& change) override;
  void remove(const std::string& name) override;
  Sync enqueue(const SyncRequest& request) override;
  Sync sync(const std::string& repo, const std::string& id) override;
  HostedPage<Sync> syncs(const std::string& repo, const std::string& before, size_t limit) override;

 private:
  CatalogEntry entry(const std::string& name);
  void check_upstream(const GivenUpstream& upstream, bool has_credential);
  void undo(const CatalogEntry& made);
  std::string keep_credential(const GivenUpstream& upstream);
  std::vector<HostedRepo> describe(std::span<const CatalogEntry> entries);
  HostedRepo describe(const CatalogEntry& entry);

  Surroundings around_;
};

}  // namespace refsyncd
