#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/loop.h"
#include "http/server.h"
#include "mesa/api.h"
#include "mesa_double.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// The calls over real HTTP: the double behind a server, the client on a loop.
class OverHttp : public testing::Test {
 protected:
  template <class Result>
  using Answered = std::variant<Result, ApiTrouble>;

  /// Makes one call and turns the loop until it is over.
  template <class Result, class Call>
  Answered<Result> run(Call call) {
    std::optional<Answered<Result>> result;
    call([&](Answered<Result> answered) { result = std::move(answered); });
    const auto deadline = clock_.steady() + 20s;
    while (!result && clock_.steady() < deadline) turn();
    if (!result) throw std::runtime_error("no answer");
    return *result;
  }
  Answered<Sync> enqueue() {
    SyncRequest request;
    request.repo = "app";
    return run<Sync>([&](auto then) { api_.enqueue(request, then); });
  }
  Failure failure_of(const Answered<Sync>& answered) { return std::get<ApiTrouble>(answered).failure; }
  void turn() {
    client_.tick();
    loop_.run_once(std::min(clock_.steady() + 50ms, client_.next_wake()));
  }

  HttpResponse serve(const HttpRequest& request) {
    MesaDouble::Request asked{.method = request.method,
                              .path = request.path.substr(3),
                              .query = {request.query.begin(), request.query.end()},
                              .authorization = request.headers.contains("authorization")
                                                   ? request.headers.find("authorization")->second
                                                   : "",
                              .body = request.body};
    const auto reply = mesa_.serve(asked);
    return {.status = reply.status, .body = reply.body, .headers = reply.headers};
  }

  SystemClock clock_;
  MesaDouble mesa_;
  std::string credential_ = "key-1";
  HttpServer server_{ListenSocket::tcp("127.0.0.1:0", "test"),
                     [this](const HttpRequest& request) { return serve(request); }};
  Loop loop_;
  HttpClient client_{loop_, clock_, {.proxies = false}};
  MesaApi api_{{.clock = clock_,
                .send = [this](HttpSend request,
                               HttpClient::Done done) { client_.send(std::move(request), std::move(done)); },
                .credential = [this] { return Secret(credential_); },
                .on_loop = [this](std::function<void()> task) { loop_.post(std::move(task)); }},
               "http://" + server_.address() + "/v1"};

  void SetUp() override { api_.use_organisation("acme"); }
};

TEST_F(OverHttp, each_call_reaches_the_service_and_is_read_back) {
  EXPECT_EQ(std::get<Whoami>(run<Whoami>([&](auto then) { api_.whoami(then); })).org, "acme");
  const auto made = std::get<Sync>(enqueue());
  const auto read = run<Sync>([&](auto then) { api_.sync("app", made.id, then); });
  EXPECT_EQ(std::get<Sync>(read).id, made.id);
  const auto list = run<SyncPage>([&](auto then) { api_.syncs("app", std::nullopt, then); });
  EXPECT_EQ(std::get<SyncPage>(list).syncs.size(), 1u);
  const auto repos = run<RepoPage>([&](auto then) { api_.repos(std::nullopt, then); });
  EXPECT_EQ(std::get<RepoPage>(repos).repos.at(0).upstream->latest_sync->id, made.id);
  const UpstreamCredential token{.kind = AuthKind::token, .username = "bot", .secret = Secret("s")};
  const auto set =
      run<HostedRepo>([&](auto then) { api_.set_upstream("app", "https://example.org/new", token, then); });
  EXPECT_EQ(std::get<HostedRepo>(set).upstream->auth, AuthKind::token);
  const auto repo = run<HostedRepo>([&](auto then) { api_.repo("app", then); });
  EXPECT_EQ(std::get<HostedRepo>(repo).upstream->url, "https://example.org/new");
  EXPECT_EQ(client_.connections_made(), 1u);
}

TEST_F(OverHttp, a_wish_for_patience_holds_in_seconds_and_as_a_date) {
  for (const auto* wish : {"30", "Fri, 31 Dec 2100 23:59:59 GMT"}) {
    MesaApi api({.clock = clock_,
                 .send = [this](HttpSend request,
                                HttpClient::Done done) { client_.send(std::move(request), std::move(done)); },
                 .credential = [this] { return Secret(credential_); },
                 .on_loop = [this](std::function<void()> task) { loop_.post(std::move(task)); }},
                "http://" + server_.address() + "/v1");
    mesa_.faults.push_back({"whoami", {.status = 503, .headers = {{"Retry-After", wish}}}});
    const auto ask = [&] { return run<Whoami>([&](auto then) { api.whoami(then); }); };
    const auto before = mesa_.count("whoami");
    EXPECT_EQ(std::get<ApiTrouble>(ask()).failure.kind, ErrorKind::throttled);
    EXPECT_GT(std::get<ApiTrouble>(ask()).failure.retry_after, 20s);
    EXPECT_EQ(mesa_.count("whoami"), before + 1) << "the second was not sent";
  }
}

TEST_F(OverHttp, requests_that_wait_when_patience_is_asked_for_are_not_sent) {
  mesa_.faults.push_back({"whoami", {.status = 429, .headers = {{"Retry-After", "30"}}}});
  int ended = 0;
  for (int i = 0; i < 20; ++i) {
    api_.whoami([&](const auto& result) {
      EXPECT_EQ(std::get<ApiTrouble>(result).failure.kind, ErrorKind::throttled);
      ++ended;
    });
  }
  while (ended < 20) turn();
  EXPECT_EQ(mesa_.count("whoami"), 1u);
}

TEST_F(OverHttp, a_redirect_is_not_followed_and_takes_the_credential_nowhere) {
  std::vector<std::string> stolen;
  std::mutex mutex;
  HttpServer other(ListenSocket::tcp("127.0.0.1:0", "test"), [&](const HttpRequest& request) {
    const std::lock_guard lock(mutex);
    stolen.push_back(request.path);
    return HttpResponse{};
  });
  mesa_.faults.push_back(
      {"POST", {.status = 307, .headers = {{"Location", "http://" + other.address() + "/v1/whoami"}}}});
  const auto failure = failure_of(enqueue());
  EXPECT_EQ(failure.kind, ErrorKind::bad_config);
  EXPECT_THAT(failure.message, HasSubstr("service.url"));
  EXPECT_TRUE(stolen.empty());
}

TEST_F(OverHttp, a_renewed_credential_is_used_once_after_a_401) {
  mesa_.credential = "key-2";
  EXPECT_EQ(failure_of(enqueue()).kind, ErrorKind::auth);
  EXPECT_EQ(mesa_.count("POST"), 1u) << "the same credential is not tried twice";
  credential_ = "key-2";
  EXPECT_TRUE(std::holds_alternative<Sync>(enqueue()));
}

TEST_F(OverHttp, an_answer_larger_than_any_real_one_is_not_read_on) {
  mesa_.faults.push_back({"POST", {.status = 200, .body = std::string(20 << 20, ' ')}});
  const auto trouble = std::get<ApiTrouble>(enqueue());
  EXPECT_TRUE(worth_retrying_soon(trouble.failure.kind));
  EXPECT_TRUE(trouble.maybe_acted);
}

TEST_F(OverHttp, a_service_that_is_not_there_is_transient_and_has_not_acted) {
  MesaApi api({.clock = clock_,
               .send = [this](HttpSend request,
                              HttpClient::Done done) { client_.send(std::move(request), std::move(done)); },
               .credential = [this] { return Secret(credential_); },
               .on_loop = [this](std::function<void()> task) { loop_.post(std::move(task)); }},
              "http://127.0.0.1:1/v1");
  const auto answered = run<Whoami>([&](auto then) { api.whoami(then); });
  EXPECT_EQ(std::get<ApiTrouble>(answered).failure.kind, ErrorKind::transient);
  EXPECT_FALSE(std::get<ApiTrouble>(answered).maybe_acted);
}

TEST_F(OverHttp, twenty_pages_take_one_connection) {
  mesa_.repos.clear();
  for (int i = 0; i < 2'000; ++i) mesa_.repos.push_back(fmt::format("repo-{}", i));
  std::optional<std::string> cursor;
  size_t seen = 0;
  do {
    const auto page = std::get<RepoPage>(run<RepoPage>([&](auto then) { api_.repos(cursor, then); }));
    seen += page.repos.size();
    cursor = page.next_cursor;
  } while (cursor);
  EXPECT_EQ(seen, 2'000u);
  EXPECT_EQ(mesa_.count("GET /acme/repos"), 20u);
  EXPECT_EQ(client_.connections_made(), 1u);
}

}  // namespace
}  // namespace refsyncd
