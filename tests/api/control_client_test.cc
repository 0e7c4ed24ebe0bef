#include "api/control_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "api/fake_control.h"
#include "api/routes.h"
#include "http/server.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

WallTime at(int64_t ms) { return WallTime(milliseconds(1'780'000'000'000 + ms)); }

ObjectId object(char digit) { return *ObjectId::from_hex(std::string(40, digit)); }

/// A fake agent on a real Unix socket, and a client of it.
struct ControlSocket : testing::Test {
  TemporaryDirectory folder;
  FakeControl control;
  HttpServer server{ListenSocket::unix_path(folder / "control.sock", "http.socket"),
                    [this](const HttpRequest& request) { return serve_control(control, request); }};
  ControlClient client{folder / "control.sock"};
};

/// A sync with something in every field.
Sync full_sync() {
  Sync sync;
  sync.id = "0190f5fe-7c00-7a00-8000-000000000001";
  sync.repo_id = "0190f5fe-7c00-7a00-8000-0000000000aa";
  sync.request = {.repo = "app",
                  .direction = Direction::push,
                  .globs = {.branches = {"main", "release/*"}, .tags = {}},
                  .exclude = {.branches = {"wip/*"}, .tags = {"tmp"}},
                  .force = true,
                  .prune = true,
                  .timeout = milliseconds(1234),
                  .priority = Priority::retry,
                  .policy = "app-push"};
  sync.status = SyncStatus::failed;
  sync.attempt = 3;
  sync.refs = std::make_shared<const RefResults>(RefResults{{.name = "refs/heads/main",
                                                             .before = object('1'),
                                                             .after = object('2'),
                                                             .outcome = Outcome::updated,
                                                             .reason = Reason::fast_forward,
                                                             .offered = object('2'),
                                                             .detail = ""},
                                                            {.name = "refs/heads/new",
                                                             .before = std::nullopt,
                                                             .after = object('3'),
                                                             .outcome = Outcome::updated,
                                                             .reason = Reason::created,
                                                             .offered = object('3'),
                                                             .detail = ""},
                                                            {.name = "refs/heads/hook\"s",
                                                             .before = object('4'),
                                                             .after = object('4'),
                                                             .outcome = Outcome::rejected,
                                                             .reason = Reason::remote_refused,
                                                             .offered = object('5'),
                                                             .detail = "hook said \"no\"\\"},
                                                            {.name = "refs/heads/gone",
                                                             .before = object('6'),
                                                             .after = ObjectId{},
                                                             .outcome = Outcome::updated,
                                                             .reason = Reason::pruned,
                                                             .offered = std::nullopt,
                                                             .detail = ""}});
  sync.failure = Failure{ErrorKind::throttled, "429 \xE2\x80\x9Cslow down\xE2\x80\x9D", milliseconds(1500)};
  sync.created_at = at(1);
  sync.started_at = at(2);
  sync.finished_at = at(999);
  return sync;
}

void expect_same(const Sync& got, const Sync& sent) {
  EXPECT_EQ(got.id, sent.id);
  EXPECT_EQ(got.repo_id, sent.repo_id);
  EXPECT_EQ(got.request, sent.request);
  EXPECT_EQ(got.status, sent.status);
  EXPECT_EQ(got.attempt, sent.attempt);
  ASSERT_EQ(got.refs != nullptr, sent.refs != nullptr);
  if (sent.refs) {
    EXPECT_EQ(*got.refs, *sent.refs);
  }
  EXPECT_EQ(got.failure, sent.failure);
  EXPECT_EQ(got.created_at, sent.created_at);
  EXPECT_EQ(got.started_at, sent.started_at);
  EXPECT_EQ(got.finished_at, sent.finished_at);
}

PolicyStatus full_status() {
  PolicyStatus status{.policy = "app-push", .repo = "app", .direction = Direction::push};
  status.state = {.policy = "app-push",
                  .phase = RunPhase::backing_off,
                  .trigger = Priority::manual,
                  .attempt = 2,
                  .sync_id = "s1",
                  .retry_at = at(10),
                  .last_due = at(11),
                  .last_attempt = at(12),
                  .last_success = at(13),
                  .last_change = at(16),
                  .not_before = at(14),
                  .consecutive_failures = 4,
                  .last_failure = Failure{ErrorKind::auth, "refused", {}},
                  .last_counts = {.updated = 1, .unchanged = 2, .filtered = 3, .rejected = 4}};
  status.next_due = at(15);
  status.why_not_running = "held back: credentials refused";
  return status;
}

TEST_F(ControlSocket, CarriesPoliciesExactly) {
  PolicyStatus empty;
  control.policies = {full_status(), empty};
  EXPECT_EQ(client.status(), control.policies);
}

TEST_F(ControlSocket, CarriesTheAgentExactly) {
  control.about = {.version = "0.1.0",
                   .started_at = at(0),
                   .config_file = "/etc/refsyncd/config.yaml",
                   .config_problem = "config.yaml:1:1: bad\nconfig.yaml:2:2: worse",
                   .data_dir = "/var/lib/refsyncd",
                   .http_address = "127.0.0.1:9480",
                   .policies = 3,
                   .queued = 2,
                   .in_progress = 1,
                   .draining = true};
  EXPECT_EQ(client.agent(), control.about);
}

TEST_F(ControlSocket, CarriesSyncsExactly) {
  Sync queued;
  queued.id = "q";
  queued.repo_id = "r";
  queued.created_at = at(5);
  Sync completed = full_sync();
  completed.id = "c";
  completed.status = SyncStatus::completed;
  completed.failure.reset();
  completed.refs = std::make_shared<const RefResults>();
  Sync without_refs = completed;
  without_refs.refs.reset();
  control.syncs = {full_sync(), queued, completed, without_refs};
  const auto got = client.history({});
  ASSERT_EQ(got.size(), 4U);
  for (size_t i = 0; i < got.size(); ++i) expect_same(got[i], control.syncs[i]);
}

TEST_F(ControlSocket, CarriesTheQueryOfAHistory) {
  client.history({.repo = "a&b=c/d%", .before_id = "x y", .limit = 7, .with_refs = false});
  ASSERT_EQ(control.queries.size(), 1U);
  EXPECT_EQ(control.queries[0].repo, "a&b=c/d%");
  EXPECT_EQ(control.queries[0].before_id, "x y");
  EXPECT_EQ(control.queries[0].limit, 7U);
  EXPECT_FALSE(control.queries[0].with_refs);
}

TEST_F(ControlSocket, FindsASyncByItsIdOrNothing) {
  control.syncs = {full_sync()};
  const auto found = client.sync(full_sync().id);
  ASSERT_TRUE(found);
  expect_same(*found, full_sync());
  EXPECT_FALSE(client.sync("another"));
  EXPECT_FALSE(client.sync(""));
  EXPECT_FALSE(client.sync("../agent"));
}

TEST_F(ControlSocket, EnqueuesRepoDirectionAndGlobsByHand) {
  control.syncs = {full_sync()};
  const auto sync = client.enqueue({.repo = "app",
                                    .direction = Direction::push,
                                    .globs = {.branches = {"main", "release/*"}, .tags = {}},
                                    .policy = "ignored"});
  expect_same(sync, full_sync());
  EXPECT_THAT(control.requests,
              ElementsAre(SyncRequest{.repo = "app",
                                      .direction = Direction::push,
                                      .globs = {.branches = {"main", "release/*"}, .tags = {}},
                                      .priority = Priority::manual}));
}

TEST_F(ControlSocket, CarriesAReloadsResult) {
  EXPECT_EQ(client.reload(), control.reloaded);
  control.reloaded = {.ok = false, .problem = "config.yaml:3:1: unknown key"};
  EXPECT_EQ(client.reload(), control.reloaded);
}

struct ErrorRow {
  const char* name;
  ErrorKind kind;
  std::optional<milliseconds> retry_after;
};
void PrintTo(const ErrorRow& row, std::ostream* out) { *out << row.name; }
struct CarriedError : ControlSocket, testing::WithParamInterface<ErrorRow> {};
TEST_P(CarriedError, ArrivesWithKindMessageAndWait) {
  control.problem = Error(GetParam().kind, "there is no repository \"x\"", GetParam().retry_after);
  const auto check = [&](auto call) {
    try {
      call();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.failure(), control.problem->failure());
    }
  };
  check([&] { client.status(); });
  check([&] { client.agent(); });
  check([&] { client.enqueue({.repo = "app"}); });
  check([&] { client.history({}); });
  check([&] { client.reload(); });
  if (GetParam().kind != ErrorKind::not_found) check([&] { client.sync("id"); });
}
INSTANTIATE_TEST_SUITE_P(Rows, CarriedError,
                         testing::Values(ErrorRow{"transient", ErrorKind::transient, {}},
                                         ErrorRow{"throttled", ErrorKind::throttled, milliseconds(7000)},
                                         ErrorRow{"auth", ErrorKind::auth, {}},
                                         ErrorRow{"not_found", ErrorKind::not_found, {}},
                                         ErrorRow{"untrusted", ErrorKind::untrusted, {}},
                                         ErrorRow{"bad_config", ErrorKind::bad_config, {}},
                                         ErrorRow{"internal", ErrorKind::internal, {}}),
                         [](const auto& row) { return row.param.name; });

TEST_F(ControlSocket, AnswersManyClientsAtOnce) {
  control.about.version = "1";
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (int call = 0; call < 20; ++call) right += client.agent() == control.about ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(right, 160);
}

TEST(ControlClient, SaysThatNoAgentIsRunningAndHowToStartOne) {
  const TemporaryDirectory folder;
  ControlClient client(folder / "control.sock");
  try {
    client.status();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const NobodyListens& error) {
    EXPECT_EQ(std::string(error.what()), "no agent is running on " + (folder / "control.sock").string() +
                                             "; start it with `refsyncd run`");
  }
}

struct StrangeRow {
  const char* name;
  int status;
  std::string body;
  const char* message;
};
void PrintTo(const StrangeRow& row, std::ostream* out) { *out << row.name; }
class StrangeAnswer : public testing::TestWithParam<StrangeRow> {};
TEST_P(StrangeAnswer, IsAnInternalErrorThatShowsIt) {
  const TemporaryDirectory folder;
  const HttpServer server(
      ListenSocket::unix_path(folder / "control.sock", "http.socket"),
      [](const HttpRequest&) { return HttpResponse{.status = GetParam().status, .body = GetParam().body}; });
  ControlClient client(folder / "control.sock");
  try {
    client.agent();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}
INSTANTIATE_TEST_SUITE_P(
    Rows, StrangeAnswer,
    testing::Values(StrangeRow{"html_error", 502, "<html>Bad\x1b Gateway</html>",
                               "the agent answered 502: <html>Bad\\x1b"},
                    StrangeRow{"error_without_message", 500, R"({"error":{}})", "the agent answered 500"},
                    StrangeRow{"code_is_a_number", 500, R"({"error":{"code":7,"message":"x"}})", "x"},
                    StrangeRow{"unknown_code", 418, R"({"error":{"code":"teapot","message":"short"}})",
                               "short"},
                    StrangeRow{"not_json", 200, "fine", "the agent's answer is not understood"},
                    StrangeRow{"another_shape", 200, R"({"version":1})", "is it another version?"},
                    StrangeRow{"empty", 200, "", "the agent's answer is not understood"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace refsyncd
