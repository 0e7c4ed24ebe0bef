#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "api/hosting.h"

namespace refsyncd {

/// Has the repositories and syncs that its fields say, and writes down what it was asked.
struct FakeHosting final : Hosting {
  std::vector<HostedRepo> known = {};
  std::vector<Sync> done = {};
  std::vector<NewRepo> created = {};
  std::vector<RepoChange> changes = {};
  std::vector<std::string> removed = {};
  std::vector<SyncRequest> requests = {};

  Organization organization() const override { return organization_of("local"); }
  HostedPage<HostedRepo> repos(const std::string& after, size_t limit) override {
    std::vector<HostedRepo> found;
    for (const auto& repo : known) {
      if (repo.name > after) found.push_back(repo);
    }
    return first_of(std::move(found), limit);
  }
  HostedRepo repo(const std::string& name) override {
    for (const auto& repo : known) {
      if (repo.name == name) return repo;
    }
    throw Error(ErrorKind::not_found, "there is no repository '" + name + "'");
  }
  HostedRepo create(const NewRepo& repo) override {
    created.push_back(repo);
    return known.at(0);
  }
  HostedRepo change(const std::string& name, const RepoChange& change) override {
    changes.push_back(change);
    return repo(name);
  }
  void remove(const std::string& name) override { removed.push_back(repo(name).name); }
  Sync enqueue(const SyncRequest& request) override {
    requests.push_back(request);
    return done.at(0);
  }
  Sync sync(const std::string& repo, const std::string& id) override {
    for (const auto& sync : done) {
      if (sync.id == id && sync.request.repo == repo) return sync;
    }
    throw Error(ErrorKind::not_found, "no such sync");
  }
  HostedPage<Sync> syncs(const std::string&, const std::string& before, size_t limit) override {
    std::vector<Sync> found;
    for (const auto& sync : done) {
      if (before.empty() || sync.id < before) found.push_back(sync);
    }
    return first_of(std::move(found), limit);
  }

 private:
  template <class Item>
  static HostedPage<Item> first_of(std::vector<Item> found, size_t limit) {
    const bool has_more = found.size() > limit;
    if (has_more) found.erase(found.begin() + static_cast<std::ptrdiff_t>(limit), found.end());
    return {.items = std::move(found), .has_more = has_more};
  }
};

}  // namespace refsyncd
