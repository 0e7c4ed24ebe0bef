#include "agent/served_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/uuid.h"
#include "git/real_git.h"
#include "http/client.h"
#include "store/database.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// The API over a real Unix socket, before the engine with its real threads, store and git. Nobody listens
/// where the upstreams of the API are: their syncs fail.
class AServedApi : public RealGit {
 protected:
  AServedApi() {
    config_.service.data_dir = folder / "data";
    config_.api.allow_private = true;
    config_.webhooks.allow_private = true;
    Repo app{.name = "app", .path = (folder / "data" / "app.git").string()};
    app.upstream = Upstream{.url = make_bare("upstream.git").string(), .transport = Transport::file};
    config_.repos = {app};
    start();
  }
  ~AServedApi() override { stop(); }

  void start() {
    running_ = true;
    engine_ = std::make_unique<Engine>(config_.service, clock_, observer_, [](const Failure& failure) {
      ADD_FAILURE() << "the store failed: " << failure.message;
    });
    engine_->start(config_);
    calls_.emplace(LoopCalls::Surroundings{.loop = engine_->loop(),
                                           .recorder = engine_->recorder(),
                                           .draining = [] { return false; },
                                           .stopped = [this] { return !running_; },
                                           .patience = patience_});
    api_ = std::make_unique<ServedApi>(
        ServedHosting::Surroundings{
            .engine = *engine_, .clock = clock_, .calls = *calls_, .org = "local", .most_refs = 100},
        [this](const std::string& problem) { EXPECT_TRUE(may_be_busy_) << problem; });
    server_ = std::make_unique<HttpServer>(
        ListenSocket::unix_path(folder / "api.sock", "test"),
        [this](const HttpRequest& request) { return api_->serve_owner(request); });
    loop_ = std::thread([this] {
      while (running_) engine_->turn(clock_.steady() + 20ms);
      engine_->stop_starting();
      while (!engine_->at_rest()) engine_->turn(clock_.steady() + 20ms);
    });
  }
  void restart(milliseconds patience = loop_patience) {
    stop();
    patience_ = patience;
    start();
  }
  void stop() {
    server_.reset();
    running_ = false;
    loop_.join();
    api_.reset();
    engine_.reset();
  }

  std::pair<int, json> call(const std::string& method, const std::string& path, const json& body = nullptr) {
    const auto reply = http_call({.method = method,
                                  .url = "http://refsyncd/v1" + path,
                                  .unix_socket = folder / "api.sock",
                                  .body = body.is_null() ? "" : body.dump()});
    return {reply.status, json::parse(reply.body)};
  }
  json good(const std::string& method, const std::string& path, const json& body = nullptr) {
    const auto [status, answer] = call(method, path, body);
    EXPECT_LT(status, 300) << answer;
    return answer;
  }
  json ended(const std::string& path) {
    for (const auto deadline = clock_.steady() + 30s; clock_.steady() < deadline;) {
      auto sync = good("GET", path);
      if (!sync["finished_at"].is_null()) return sync;
      std::this_thread::yield();
    }
    throw std::runtime_error("the sync does not end");
  }

  std::vector<std::string> credentials() const {
    std::vector<std::string> files;
    std::error_code none;
    for (const auto& file : std::filesystem::directory_iterator(folder / "data" / "credentials", none)) {
      files.push_back(file.path().filename());
    }
    return files;
  }

  SystemClock clock_;
  Observers observer_;
  Config config_;
  std::atomic<bool> running_ = false;
  std::unique_ptr<Engine> engine_;
  milliseconds patience_ = loop_patience;
  bool may_be_busy_ = false;
  std::optional<LoopCalls> calls_;
  std::unique_ptr<ServedApi> api_;
  std::unique_ptr<HttpServer> server_;
  std::thread loop_;
};

TEST_F(AServedApi, takes_a_repository_from_creation_to_deletion) {
  const auto repo =
      good("POST", "/local/repos",
           {{"name", "lib"}, {"tags", {{"a", "b"}}}, {"upstream", {{"url", "http://127.0.0.1:1/x"}}}});
  const auto asked = good("POST", "/local/lib/upstream/syncs", {{"direction", "pull"}});
  EXPECT_EQ(asked["repo_id"], repo["id"]);
  const auto sync = ended("/local/lib/upstream/syncs/" + asked["id"].get<std::string>());
  EXPECT_EQ(sync["status"], "failed");
  EXPECT_EQ(good("GET", "/local/lib")["upstream"]["latest_sync"], sync);
  EXPECT_EQ(good("GET", "/local/repos")["repos"].size(), 2u);
  const auto changed = good("PATCH", "/local/lib", {{"name", "new"}, {"tags", {{"a", nullptr}}}});
  EXPECT_EQ(changed["id"], repo["id"]);
  EXPECT_EQ(changed["tags"], json::object());
  EXPECT_EQ(good("GET", "/local/new/upstream/syncs")["syncs"], json::array({sync}));
  EXPECT_EQ(good("DELETE", "/local/new"), json({{"success", true}}));
  EXPECT_EQ(call("GET", "/local/new").first, 404);
  EXPECT_EQ(good("POST", "/local/repos", {{"name", "new"}})["upstream"], nullptr);
}

TEST_F(AServedApi, syncs_what_the_file_defines_and_shows_its_head) {
  const auto upstream = folder / "upstream.git";
  const auto tip = commit(upstream, "one");
  set_ref(upstream, "refs/heads/main", tip);
  const auto asked = good("POST", "/local/app/upstream/syncs", {{"direction", "pull"}});
  const auto sync = ended("/local/app/upstream/syncs/" + asked["id"].get<std::string>());
  EXPECT_EQ(sync["status"], "completed");
  const auto repo = good("GET", "/local/app");
  EXPECT_EQ(repo["head_change_id"], ObjectReader(upstream).change_id(tip));
  EXPECT_EQ(repo["default_bookmark"], "main");
  EXPECT_EQ(call("DELETE", "/local/app").first, 409);
}

TEST_F(AServedApi, remembers_repositories_and_their_ids_over_a_restart) {
  const auto made =
      good("POST", "/local/repos", {{"name", "lib"}, {"upstream", {{"url", "https://127.0.0.1:1/x"}}}});
  const auto of_file = good("GET", "/local/app")["id"];
  restart();
  EXPECT_EQ(good("GET", "/local/lib"), made);
  EXPECT_EQ(good("GET", "/local/app")["id"], of_file);
}

TEST_F(AServedApi, leaves_no_credential_behind_when_a_repository_is_refused) {
  const json with_token{
      {"name", "app"},
      {"upstream", {{"url", "https://127.0.0.1:1/x"}, {"auth", {{"kind", "token"}, {"token", "s3cret"}}}}}};
  EXPECT_EQ(call("POST", "/local/repos", with_token).first, 409);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "data" / "credentials"));
}

TEST_F(AServedApi, makes_up_a_name_for_who_gives_none) {
  const auto repo = good("POST", "/local/repos", json::object());
  EXPECT_EQ(name_problem(repo["name"].get<std::string>()), "");
  EXPECT_EQ(good("GET", "/local/" + repo["name"].get<std::string>()), repo);
}

TEST_F(AServedApi, keeps_credentials_off_plain_http) {
  const auto [status, answer] = call(
      "POST", "/local/repos",
      {{"name", "lib"},
       {"upstream", {{"url", "http://192.0.2.1/x"}, {"auth", {{"kind", "token"}, {"token", "s3cret"}}}}}});
  EXPECT_EQ(status, 400);
  EXPECT_THAT(answer["error"]["message"].get<std::string>(), HasSubstr("credentials over http"));
}

/// Keeps everybody else from writing to the state, as a disk that hangs would.
class HeldState {
 public:
  explicit HeldState(const std::filesystem::path& file) : session_(open_database(file)) {
    *session_ << "BEGIN IMMEDIATE";
  }
  ~HeldState() { *session_ << "ROLLBACK"; }
  HeldState(const HeldState&) = delete;
  HeldState& operator=(const HeldState&) = delete;

 private:
  std::unique_ptr<soci::session> session_;
};

TEST_F(AServedApi, leaves_nothing_of_a_repository_whose_creation_was_given_up) {
  const json lib{
      {"name", "lib"},
      {"upstream", {{"url", "https://127.0.0.1:1/x"}, {"auth", {{"kind", "token"}, {"token", "s3cret"}}}}}};
  restart(200ms);
  may_be_busy_ = true;
  {
    const HeldState held(folder / "data" / "state.db");
    EXPECT_EQ(call("POST", "/local/repos", lib).first, 503);
    EXPECT_EQ(call("POST", "/local/repos", lib).first, 503) << "nothing more is begun meanwhile";
  }
  restart();
  EXPECT_EQ(good("GET", "/local/repos")["repos"].size(), 1u);
  EXPECT_THAT(credentials(), IsEmpty());
  good("POST", "/local/repos", lib);
  EXPECT_THAT(credentials(), SizeIs(1));
}

TEST_F(AServedApi, leaves_nothing_of_a_webhook_target_whose_creation_was_given_up) {
  const json target{{"url", "https://127.0.0.1:1/x"}, {"events", {"sync.completed"}}};
  restart(1s);
  may_be_busy_ = true;
  {
    const HeldState held(folder / "data" / "state.db");
    EXPECT_EQ(call("POST", "/local/webhook-targets", target).first, 503);
    EXPECT_EQ(good("GET", "/local/webhook-targets")["webhook_targets"], json::array());
  }
  restart();
  EXPECT_EQ(good("GET", "/local/webhook-targets")["webhook_targets"], json::array());
  EXPECT_THAT(credentials(), IsEmpty());
}

/// Syncs of a repository, each with so many refs.
Changes finished_syncs(const std::string& repo, const std::string& repo_id, int count, size_t refs) {
  auto results = std::make_shared<RefResults>();
  const auto id = ObjectId::from_hex(std::string(40, 'a'));
  for (size_t i = 0; i < refs; ++i) {
    results->push_back(
        {.name = "refs/heads/" + std::to_string(i), .after = *id, .outcome = Outcome::updated});
  }
  Changes changes;
  for (int i = 0; i < count; ++i) {
    Sync sync;
    sync.created_at = WallTime(std::chrono::seconds(1'700'000'000 + i));
    sync.id = new_uuid(sync.created_at);
    sync.repo_id = repo_id;
    sync.request.repo = repo;
    sync.status = SyncStatus::completed;
    sync.finished_at = sync.created_at;
    sync.refs = results;
    changes.syncs.push_back(sync);
  }
  return changes;
}

TEST_F(AServedApi, ends_a_page_of_syncs_early_that_hold_very_many_refs) {
  const auto id = good("GET", "/local/app")["id"];
  const auto changes = finished_syncs("app", id, 7, 40);
  engine_->store().write(changes);
  std::vector<std::string> seen;
  std::vector<size_t> sizes;
  std::string cursor;
  do {
    const auto page = good("GET", "/local/app/upstream/syncs" + (cursor.empty() ? "" : "?cursor=" + cursor));
    for (const auto& sync : page["syncs"]) seen.push_back(sync["id"]);
    sizes.push_back(page["syncs"].size());
    cursor = page["has_more"].get<bool>() ? page["next_cursor"] : "";
  } while (!cursor.empty());
  EXPECT_THAT(sizes, ElementsAre(3, 3, 1));
  std::vector<std::string> newest_first;
  for (auto sync = changes.syncs.rbegin(); sync != changes.syncs.rend(); ++sync)
    newest_first.push_back(sync->id);
  EXPECT_EQ(seen, newest_first);
  EXPECT_EQ(good("GET", "/local/app/upstream/syncs?limit=2")["has_more"], true);
}

TEST_F(AServedApi, ends_a_page_of_repositories_early_whose_latest_syncs_hold_very_many_refs) {
  std::vector<std::string> names{"app"};
  for (const auto* name : {"b", "c", "d"}) {
    good("POST", "/local/repos", {{"name", name}, {"upstream", {{"url", "https://127.0.0.1:1/x"}}}});
    names.emplace_back(name);
  }
  for (const auto& name : names) {
    engine_->store().write(finished_syncs(name, good("GET", "/local/" + name)["id"], 1, 50));
  }
  const auto first = good("GET", "/local/repos");
  EXPECT_EQ(first["repos"].size(), 2u);
  EXPECT_EQ(first["has_more"], true);
  const auto second = good("GET", "/local/repos?cursor=" + first["next_cursor"].get<std::string>());
  ASSERT_EQ(second["repos"].size(), 2u);
  EXPECT_EQ(second["repos"][0]["name"], "c");
  EXPECT_EQ(second["has_more"], false);
  EXPECT_EQ(second["next_cursor"], nullptr);
}

}  // namespace
}  // namespace refsyncd
