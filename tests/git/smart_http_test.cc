#include "git/smart_http.h"

#include <gmock/gmock.h>

#include <future>

#include "git/native_upstream.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class SmartHttpTest : public NativeUpstream {
 protected:
  SmartHttpTest() { grow("refs/heads/main", 1, "first"); }

  SmartHttp::ListRequest request(const std::string& repository = "app.git") const {
    return {.upstream = upstream_at(server.url(repository)), .secret = {}, .prefixes = {}, .limits = {}};
  }
  std::shared_ptr<const Advertisement> list() { return http.list_now(request(), {}); }
};

TEST_F(SmartHttpTest, WhatAHostCanDoIsAskedOnce) {
  EXPECT_FALSE(http.capabilities(request().upstream));
  EXPECT_THAT(list()->refs, SizeIs(1));
  EXPECT_EQ(http.capabilities(request().upstream)->version, 2);
  EXPECT_THAT(list()->refs, SizeIs(1));
  EXPECT_EQ(count(asks_what_it_can_do), 1U);
  EXPECT_EQ(count(lists), 2U);
}

TEST_F(SmartHttpTest, WhatItCanDoIsRememberedForAllItsRepositories) {
  make_bare("srv/other.git");
  list();
  EXPECT_THAT(http.list_now(request("other.git"), {})->refs, IsEmpty());
  EXPECT_EQ(count(asks_what_it_can_do), 1U);
}

TEST_F(SmartHttpTest, OnlyWhatThePrefixesNameIsAskedFor) {
  set_ref(upstream, "refs/tags/v1", *ObjectReader(upstream).value_of("refs/heads/main"));
  auto branches = request();
  branches.prefixes = {"refs/heads/"};
  EXPECT_THAT(http.list_now(branches, {})->refs, SizeIs(1));
  EXPECT_THAT(server.requests().back().body, HasSubstr("ref-prefix refs/heads/"));
}

TEST_F(SmartHttpTest, AServerThatTurnsOldIsAskedAnew) {
  list();
  before = hide_version;
  EXPECT_THAT(list()->refs, SizeIs(1));
  EXPECT_EQ(http.capabilities(request().upstream)->version, 0);
  EXPECT_EQ(count(asks_what_it_can_do), 2U);
  before = [](HttpRequest&) {};
  EXPECT_THAT(list()->refs, SizeIs(1));
  EXPECT_EQ(http.capabilities(request().upstream)->version, 2) << "and when it is new again, too";
}

TEST_F(SmartHttpTest, AMissingRepositoryIsNotFoundWhateverIsRemembered) {
  list();
  const auto failure = failure_of([&] { http.list_now(request("missing.git"), {}); });
  EXPECT_EQ(failure.kind, ErrorKind::not_found) << failure.message;
  EXPECT_THAT(list()->refs, SizeIs(1));
}

TEST_F(SmartHttpTest, AMissingRepositoryIsNoReasonToForgetWhatItsHostCanDo) {
  list();
  failure_of([&] { http.list_now(request("missing.git"), {}); });
  EXPECT_EQ(http.capabilities(request().upstream)->version, 2);
}

TEST_F(SmartHttpTest, AnAnswerThatIsKnownIsNotReadAgain) {
  const auto answer_to = [&](const std::string& known) {
    auto asked = request();
    asked.known = known;
    std::promise<SmartHttp::ListAnswer> told;
    http.list(asked, [&](SmartHttp::ListAnswer answer) { told.set_value(std::move(answer)); });
    return told.get_future().get();
  };
  const auto first = answer_to("");
  ASSERT_TRUE(first.listed);
  EXPECT_FALSE(first.same);
  const auto again = answer_to(first.digest);
  EXPECT_TRUE(again.same);
  EXPECT_FALSE(again.listed);
  EXPECT_EQ(again.digest, first.digest);
  grow("refs/heads/more", 1, "more");
  const auto changed = answer_to(first.digest);
  EXPECT_FALSE(changed.same);
  ASSERT_TRUE(changed.listed);
  EXPECT_THAT(changed.listed->refs, SizeIs(2));
  EXPECT_NE(changed.digest, first.digest);
}

TEST_F(SmartHttpTest, AllThatListingTakesSharesOneTimeLimit) {
  list();
  after = [](const HttpRequest&, const std::string&) {
    std::this_thread::sleep_for(300ms);
    return HttpUpstream::answer(404, "");
  };
  auto hurried = request();
  hurried.timeout = 400ms;
  const auto failure = failure_of([&] { http.list_now(hurried, {}); });
  EXPECT_EQ(failure.kind, ErrorKind::transient)
      << "the second question had 100 ms left, too few to hear that there is nothing: " << failure.message;
}

TEST_F(SmartHttpTest, AServerErrorIsNoReasonToForget) {
  list();
  after = [](const HttpRequest&, const std::string&) { return HttpUpstream::answer(500, "down"); };
  EXPECT_EQ(failure_of([&] { list(); }).kind, ErrorKind::transient);
  EXPECT_TRUE(http.capabilities(request().upstream));
  EXPECT_EQ(count(asks_what_it_can_do), 1U);
}

TEST_F(SmartHttpTest, RetryAfterIsHandedOn) {
  for (const int status : {429, 503}) {
    after = [status](const HttpRequest&, const std::string&) {
      return HttpUpstream::answer(status, "", "Retry-After: 7\r\n");
    };
    const auto failure = failure_of([&] { list(); });
    EXPECT_EQ(failure.kind, ErrorKind::throttled) << status;
    EXPECT_EQ(failure.retry_after, 7s) << status;
  }
}

TEST_F(SmartHttpTest, ARedirectIsNamedWithoutWhatMayBeSecretInIt) {
  after = [](const HttpRequest&, const std::string&) {
    return HttpUpstream::answer(302, "",
                                "Location: https://ada:canary@else.example/x.git/info/refs?key=canary\r\n");
  };
  const auto failure = failure_of([&] { list(); });
  EXPECT_EQ(failure.kind, ErrorKind::bad_config);
  EXPECT_THAT(failure.message, HasSubstr("redirects elsewhere, to https://else.example/x.git; write its"));
  EXPECT_THAT(failure.message, Not(HasSubstr("canary")));
}

TEST_F(SmartHttpTest, TheFilesOfARepositoryAreNoServer) {
  after = [](const HttpRequest&, const std::string&) {
    return HttpUpstream::answer(200, std::string(40, '1') + "\trefs/heads/main\n",
                                "Content-Type: text/plain\r\n");
  };
  const auto failure = failure_of([&] { list(); });
  EXPECT_EQ(failure.kind, ErrorKind::not_found);
  EXPECT_THAT(failure.message, HasSubstr("the dumb protocol"));
}

TEST_F(SmartHttpTest, AWebPageInPlaceOfTheListIsNoGitServer) {
  after = [](const HttpRequest& request, std::string said) {
    return asks_what_it_can_do(request)
               ? std::move(said)
               : HttpUpstream::answer(200, "0000", "Content-Type: text/html; charset=utf-8\r\n");
  };
  EXPECT_EQ(failure_of([&] { list(); }).kind, ErrorKind::not_found);
}

TEST_F(SmartHttpTest, AnUpstreamThatSaysNoIsQuoted) {
  after = [](const HttpRequest& request, std::string said) {
    if (!lists(request)) return said;
    return HttpUpstream::answer(200, packet("ERR out of \x1bmemory\n"),
                                "Content-Type: application/x-git-upload-pack-result\r\n");
  };
  const auto failure = failure_of([&] { list(); });
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_THAT(failure.message, HasSubstr("out of \\x1bmemory"));
}

TEST_F(SmartHttpTest, NobodyIsCalledOnceItHasStopped) {
  std::promise<void> asked;
  after = [&](const HttpRequest&, const std::string&) {
    asked.set_value();
    return std::string();
  };
  bool told = false;
  http.list(request(), [&](const SmartHttp::ListAnswer&) { told = true; });
  asked.get_future().wait();
  http.stop();
  EXPECT_FALSE(told) << "nobody is called any more";
  http.list(request(), [&](const SmartHttp::ListAnswer&) { told = true; });
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace refsyncd
