#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "contract/time.h"

namespace refsyncd {

/// The hosted API as far as the client uses it, in memory, with faults on demand. It speaks the contract by
/// hand: none of the code under test helps it. Safe from several threads; what is public besides the calls is
/// not.
class MesaDouble {
 public:
  using json = nlohmann::json;

  struct Request {
    std::string method;
    std::string path;  ///< below the base URL, percent-encoded
    std::map<std::string, std::string> query;
    std::string authorization;
    std::string body;

    std::string line() const { return method + " " + path; }
  };
  struct Reply {
    int status = 200;
    std::string body;
    std::map<std::string, std::string> headers = {};
    bool cut = false;  ///< the connection ends without an answer
  };
  /// Answers the next request whose line contains `where`, `times` times.
  struct Fault {
    std::string where;
    Reply reply;
    bool acts = false;  ///< the service does what is asked all the same
    int times = 1;
  };

  std::string org = "acme";
  std::string credential = "key-1";
  std::deque<Fault> faults;
  std::vector<Request> requests;
  std::vector<std::string> repos = {"app"};
  std::map<std::string, json> upstreams;  ///< by repository, as PATCH set them
  WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 1 / 5};
  bool pages_loop = false;

  Reply serve(const Request& request) {
    const std::lock_guard lock(mutex_);
    requests.push_back(request);
    for (auto fault = faults.begin(); fault != faults.end(); ++fault) {
      if (request.line().find(fault->where) == std::string::npos) continue;
      auto reply = fault->reply;
      if (fault->acts) handle(request);
      if (--fault->times == 0) faults.erase(fault);
      return reply;
    }
    return handle(request);
  }

  size_t count(const std::string& where) const {
    return static_cast<size_t>(std::count_if(requests.begin(), requests.end(), [&](const Request& request) {
      return request.line().find(where) != std::string::npos;
    }));
  }

  /// A sync made by somebody: queued, of all refs unless said otherwise. Returns its id.
  std::string make_sync(const std::string& repo, const json& body = {{"direction", "pull"}}) {
    auto id = fmt::format("sync_{:06}", syncs_.size() + 1);
    const auto globs = body.value("ref_globs", json{{"branches", "*"}, {"tags", "*"}});
    syncs_.push_back(
        {{"id", id},
         {"repo_id", "repo_" + repo},
         {"direction", body.at("direction")},
         {"status", "queued"},
         {"attempt", 1},
         {"ref_globs", {{"branches", globs.value("branches", "")}, {"tags", globs.value("tags", "")}}},
         {"stats", nullptr},
         {"error", nullptr},
         {"created_at", format_time(now)},
         {"started_at", nullptr},
         {"finished_at", nullptr}});
    of_repo_[repo].push_back(syncs_.size() - 1);
    place_[id] = syncs_.size() - 1;
    return id;
  }
  json& sync(const std::string& id) { return syncs_.at(place_.at(id)); }
  size_t sync_count() const { return syncs_.size(); }
  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const auto& one : syncs_) all.push_back(one.at("id"));
    return all;
  }

  void start(const std::string& id) {
    sync(id)["status"] = "in_progress";
    sync(id)["started_at"] = format_time(now);
  }
  void complete(const std::string& id, json refs = json::array()) {
    start(id);
    sync(id)["status"] = "completed";
    sync(id)["stats"] = {{"refs", std::move(refs)}};
    sync(id)["finished_at"] = format_time(now);
  }
  void fail(const std::string& id, const std::string& error) {
    start(id);
    sync(id)["status"] = "failed";
    sync(id)["error"] = error;
    sync(id)["finished_at"] = format_time(now);
  }
  void complete_all() {
    for (const auto& id : ids()) complete(id);
  }

  static Reply error(int status, const std::string& code, const std::string& message) {
    return {.status = status,
            .body = json{{"error", {{"code", code}, {"message", message}, {"trace_id", "trace-7"}}}}.dump()};
  }

 private:
  Reply handle(const Request& request) {
    if (request.authorization != "Bearer " + credential) return error(401, "unauthorized", "bad credential");
    std::vector<std::string> at;
    for (size_t begin = 1; begin <= request.path.size();) {
      const auto end = std::min(request.path.find('/', begin), request.path.size());
      at.push_back(request.path.substr(begin, end - begin));
      begin = end + 1;
    }
    if (at == std::vector<std::string>{"whoami"}) {
      return ok({{"org", {{"id", "org_1"}, {"slug", org}, {"name", "ACME"}}},
                 {"key_id", "k"},
                 {"key_name", "n"},
                 {"scopes", {"read", "write"}}});
    }
    if (at.size() < 2 || at[0] != org) return error(404, "not_found", "no such organisation");
    if (at.size() == 2 && at[1] == "repos") return list_repos(request);
    if (std::find(repos.begin(), repos.end(), at[1]) == repos.end()) {
      return error(404, "not_found", "no such repository");
    }
    if (at.size() == 2) return one_repo(request, at[1]);
    if (at.size() == 4 && request.method == "POST") {
      return {.status = 201, .body = sync(make_sync(at[1], json::parse(request.body))).dump()};
    }
    if (at.size() == 4) return list_syncs(request, at[1]);
    if (at.size() == 5 && place_.contains(at[4])) return ok(sync(at[4]));
    return error(404, "not_found", "no such sync");
  }

  static Reply ok(const json& value) { return {.status = 200, .body = value.dump()}; }

  json repo_json(const std::string& name) const {
    json upstream = nullptr;
    const auto set = upstreams.find(name);
    const auto own = of_repo_.find(name);
    if (set != upstreams.end() || own != of_repo_.end()) {
      const auto auth = set == upstreams.end() ? json() : set->second.value("auth", json());
      upstream = {
          {"url", set == upstreams.end() ? json("https://example.org/" + name) : set->second.at("url")},
          {"auth_kind", auth.is_object() ? auth.at("kind") : json()},
          {"latest_sync", own == of_repo_.end() ? json() : syncs_[own->second.back()]}};
    }
    return {{"id", "repo_" + name}, {"org", org}, {"name", name}, {"upstream", upstream}};
  }

  Reply one_repo(const Request& request, const std::string& name) {
    if (request.method == "PATCH") upstreams[name] = json::parse(request.body).at("upstream");
    return ok(repo_json(name));
  }

  struct Slice {
    size_t begin = 0;
    size_t end = 0;
    bool more = false;
  };
  static Slice slice(const Request& request, size_t total) {
    const auto number = [&](const char* name, size_t otherwise) {
      const auto found = request.query.find(name);
      if (found == request.query.end()) return otherwise;
      return static_cast<size_t>(std::stoul(found->second));
    };
    const auto begin = std::min(number("cursor", 0), total);
    const auto end = std::min(begin + number("limit", 20), total);
    return {begin, end, end < total};
  }
  json page(const char* name, json items, const Slice& at) const {
    if (pages_loop) return {{name, std::move(items)}, {"has_more", true}, {"next_cursor", "0"}};
    return {{name, std::move(items)},
            {"has_more", at.more},
            {"next_cursor", at.more ? json(std::to_string(at.end)) : json()}};
  }

  Reply list_repos(const Request& request) const {
    const auto at = slice(request, repos.size());
    auto items = json::array();
    for (auto i = at.begin; i < at.end; ++i) items.push_back(repo_json(repos[i]));
    return ok(page("repos", std::move(items), at));
  }

  Reply list_syncs(const Request& request, const std::string& repo) {
    const auto& own = of_repo_[repo];
    const auto at = slice(request, own.size());
    auto items = json::array();
    for (auto i = at.begin; i < at.end; ++i) items.push_back(syncs_[own[own.size() - 1 - i]]);
    return ok(page("syncs", std::move(items), at));
  }

  std::mutex mutex_;
  std::deque<json> syncs_;
  std::map<std::string, size_t> place_;
  std::map<std::string, std::vector<size_t>> of_repo_;
};

}  // namespace refsyncd
