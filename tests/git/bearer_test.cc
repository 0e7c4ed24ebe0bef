#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "git/http_remotes.h"
#include "git/wire_answers.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr ObjectId absent{};
constexpr auto canary = "s3cr3t-canary._~+/of-forty-characters===";

/// A server that lets in who has the bearer token.
class BearerTest : public HttpRemotes, public testing::WithParamInterface<Speaker> {
 protected:
  void TearDown() override { expect_sound(ours); }

  std::unique_ptr<Remote> remote(const std::string& at, const std::string& token = canary) {
    return remote_of(GetParam(), upstream_at(at, BearerAuth{}), Secret(token), {});
  }
  Failure failure_of_listing(const std::string& at, const std::string& token = canary) {
    return failure_of([&] { remote(at, token)->list({}); });
  }

  std::filesystem::path upstream = make_bare("srv/app.git");
  std::filesystem::path ours = make_bare("ours.git");
  HttpUpstream server{[this](const HttpRequest& request) {
    if (request.header("authorization") != std::string("Bearer ") + canary) {
      return HttpUpstream::answer(401, "not " + request.header("authorization"),
                                  "WWW-Authenticate: Bearer realm=\"git\"\r\nContent-Type: text/plain\r\n");
    }
    return git_http_backend(folder / "srv", request);
  }};
  std::string url = server.url("app.git");
  Repository repository = Repository::open(git, ours, false);
};

INSTANTIATE_TEST_SUITE_P(Speakers, BearerTest, testing::Values(Speaker::git_program, Speaker::ourselves),
                         [](const auto& speaker) { return name_of(speaker.param); });

TEST_P(BearerTest, OpensTheDoorForListingAndFetching) {
  const auto one = commit(upstream, "one");
  set_ref(upstream, "refs/heads/main", one);
  const auto opened = remote(url);
  EXPECT_EQ(opened->list({}).refs, (std::vector<RefValue>{{"refs/heads/main", one}}));
  auto scratch = repository.scratch();
  opened->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_TRUE(scratch.reader().contains(one));
}

TEST_P(BearerTest, OpensTheDoorForPushing) {
  const auto one = commit(ours, "one");
  auto scratch = repository.scratch();
  const auto answer = remote(url)->push(scratch, std::vector<RefUpdate>{{"refs/heads/main", one, absent}});
  ASSERT_FALSE(answer.failure) << answer.failure->message;
  EXPECT_TRUE(answer.results.at(0).accepted);
  EXPECT_EQ(refs(upstream), (std::vector<RefValue>{{"refs/heads/main", one}}));
}

TEST_P(BearerTest, AWrongTokenIsAnAuthFailureThatDoesNotShowIt) {
  const auto failure = failure_of_listing(url, "another-canary");
  EXPECT_EQ(failure.kind, ErrorKind::auth) << failure.message;
  EXPECT_THAT(failure.message, Not(HasSubstr("another-canary")));
}

TEST_P(BearerTest, ATokenThatNoHeaderCarriesReachesNobody) {
  const auto failure = failure_of_listing(url, "canary\tX-Other: y");
  EXPECT_EQ(failure.kind, ErrorKind::auth) << failure.message;
  EXPECT_THAT(failure.message, Not(HasSubstr("X-Other")));
  EXPECT_THAT(server.requests(), IsEmpty());
}

/// curl keeps a header of one's own from a redirect's target, and git then sends it there with the requests
/// that follow.
TEST_P(BearerTest, ARedirectGetsTheTokenNowhere) {
  set_ref(upstream, "refs/heads/main", commit(upstream, "one"));
  const HttpUpstream thief(
      [this](const HttpRequest& request) { return git_http_backend(folder / "srv", request); });
  const HttpUpstream redirecting([&](const HttpRequest& request) {
    const auto query = request.query.empty() ? "" : "?" + request.query;
    return HttpUpstream::answer(302, "", "Location: " + thief.url(request.path.substr(1)) + query + "\r\n");
  });
  EXPECT_EQ(failure_of_listing(redirecting.url("app.git")).kind, ErrorKind::bad_config);
  auto scratch = repository.scratch();
  const auto answer =
      remote(redirecting.url("app.git"))
          ->push(scratch, std::vector<RefUpdate>{{"refs/heads/x", commit(ours, "x"), absent}});
  EXPECT_TRUE(answer.failure);
  EXPECT_THAT(thief.requests(), IsEmpty());
}

TEST_P(BearerTest, ATokenIsOnNoCommandLine) {
  std::string command_lines;
  const HttpUpstream watching([&](const HttpRequest&) {
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(process.path() / "cmdline", std::ios::binary);
      command_lines.append(std::istreambuf_iterator<char>(file), {});
    }
    return HttpUpstream::answer(404, "");
  });
  failure_of_listing(watching.url("app.git"));
  EXPECT_THAT(watching.requests(), Not(IsEmpty()));
  if (GetParam() == Speaker::git_program) {
    EXPECT_THAT(command_lines, HasSubstr("ls-remote")) << "looked at the wrong moment";
  }
  EXPECT_THAT(command_lines, Not(HasSubstr(canary)));
}

}  // namespace
}  // namespace refsyncd
