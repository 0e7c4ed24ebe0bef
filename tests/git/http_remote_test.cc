#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <future>
#include <mutex>

#include "base/error.h"
#include "base/text.h"
#include "git/http_remotes.h"
#include "git/wire_answers.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr ObjectId absent{};
constexpr auto canary = "s3cr3t^%+/=canary-of-forty-characters-xx";

/// The answer to ls-refs discovery of a repository with one branch, in protocol version 0.
std::string advertisement() {
  return HttpUpstream::answer(
      200,
      packet("# service=git-upload-pack\n") + "0000" +
          packet(std::string("1111111111111111111111111111111111111111 refs/heads/main") + '\0' +
                 "agent=x\n") +
          "0000",
      "Content-Type: application/x-git-upload-pack-advertisement\r\n");
}

/// Command lines of every process of the machine that we may see.
std::string all_command_lines() {
  std::string all;
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(process.path() / "cmdline", std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
    all += '\n';
  }
  return all;
}

bool no_child_left() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

class HttpRemoteTest : public HttpRemotes, public testing::WithParamInterface<Speaker> {
 protected:
  /// What a git of an earlier test detached has become a child of ours, the reaper of orphans.
  static void SetUpTestSuite() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }

  std::unique_ptr<Remote> remote(const std::string& url, const Operation& operation = {},
                                 const std::string& token = canary) {
    return remote_of(GetParam(), upstream_at(url, TokenAuth{.token = {}, .username = "x-access-token"}),
                     Secret(token), operation);
  }
  Failure failure_of_listing(const std::string& url, const Operation& operation = {}) {
    return failure_of([&] { remote(url, operation)->list({}); });
  }

  const std::string credential = base64(std::string("x-access-token:") + canary);
};

struct StatusRow {
  const char* name;
  int status;
  ErrorKind kind;
};
class HttpStatusTest : public HttpRemotes,
                       public testing::WithParamInterface<std::tuple<Speaker, StatusRow>> {
 protected:
  std::string credential = base64(std::string("x-access-token:") + canary);
};

TEST_P(HttpStatusTest, IsClassifiedAndKeepsTheSecret) {
  // The body says the secret back in every form, as a careless server or proxy would.
  const auto echo = fmt::format("bad token {} {} {} s3cr3t%5E%25%2B%2F%3Dcanary-of-forty-characters-xx",
                                canary, base64(canary), credential);
  const auto& [speaker, row] = GetParam();
  const HttpUpstream upstream([&, status = row.status](const HttpRequest&) {
    return HttpUpstream::answer(
        status, echo, "Content-Type: text/plain\r\nWWW-Authenticate: Basic realm=x\r\nLocation: /else\r\n");
  });
  const auto remote = remote_of(
      speaker, upstream_at(upstream.url("app.git"), TokenAuth{.token = {}, .username = "x-access-token"}),
      Secret(canary), {});
  const auto failure = failure_of([&] { remote->list({}); });
  EXPECT_EQ(failure.kind, row.kind) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("listing the refs of http://127.0.0.1:"));
  EXPECT_THAT(failure.message, Not(HasSubstr("canary")));
  EXPECT_THAT(failure.message, Not(HasSubstr(base64(canary))));
  EXPECT_THAT(failure.message, Not(HasSubstr(credential)));
  EXPECT_THAT(failure.message, Not(HasSubstr("\n")));
}

INSTANTIATE_TEST_SUITE_P(
    Statuses, HttpStatusTest,
    testing::Combine(testing::Values(Speaker::git_program, Speaker::ourselves),
                     testing::Values(StatusRow{"redirect_elsewhere", 302, ErrorKind::bad_config},
                                     StatusRow{"permanent_redirect", 301, ErrorKind::bad_config},
                                     StatusRow{"unauthorized", 401, ErrorKind::auth},
                                     StatusRow{"forbidden", 403, ErrorKind::auth},
                                     StatusRow{"not_found", 404, ErrorKind::not_found},
                                     StatusRow{"gone", 410, ErrorKind::not_found},
                                     StatusRow{"too_many_requests", 429, ErrorKind::throttled},
                                     StatusRow{"server_error", 500, ErrorKind::transient},
                                     StatusRow{"bad_gateway", 502, ErrorKind::transient},
                                     StatusRow{"unavailable", 503, ErrorKind::transient})),
    [](const auto& row) {
      return std::get<StatusRow>(row.param).name + ("_by_" + name_of(std::get<Speaker>(row.param)));
    });
INSTANTIATE_TEST_SUITE_P(Speakers, HttpRemoteTest, testing::Values(Speaker::git_program, Speaker::ourselves),
                         [](const auto& speaker) { return name_of(speaker.param); });

TEST_P(HttpRemoteTest, SendsTheCredentialToTheUpstreamAndShowsItToNobodyElse) {
  std::mutex looking;
  std::string command_lines;
  const HttpUpstream upstream([&](const HttpRequest&) {
    const std::scoped_lock lock(looking);
    command_lines += all_command_lines();
    return advertisement();
  });
  EXPECT_THAT(remote(upstream.url("app.git"))->list({}).refs, SizeIs(1));
  ASSERT_THAT(upstream.requests(), SizeIs(1));
  EXPECT_EQ(upstream.requests()[0].header("authorization"), "Basic " + credential);
  const std::scoped_lock lock(looking);
  if (GetParam() == Speaker::git_program) {
    EXPECT_THAT(command_lines, HasSubstr("ls-remote")) << "looked at the wrong moment";
  }
  EXPECT_THAT(command_lines, Not(HasSubstr(canary)));
  EXPECT_THAT(command_lines, Not(HasSubstr(credential)));
  EXPECT_THAT(command_lines, Not(HasSubstr(base64(canary))));
}

TEST_P(HttpRemoteTest, ARedirectIsNotFollowedAndTheRemedyIsNamed) {
  const HttpUpstream elsewhere([](const HttpRequest&) { return advertisement(); });
  const HttpUpstream upstream([&](const HttpRequest& request) {
    return HttpUpstream::answer(302, "",
                                "Location: " + elsewhere.url("app.git/info/refs?") + request.query + "\r\n");
  });
  const auto failure = failure_of_listing(upstream.url("app.git"));
  EXPECT_EQ(failure.kind, ErrorKind::bad_config);
  EXPECT_THAT(failure.message, HasSubstr("write its final URL"));
  EXPECT_THAT(elsewhere.requests(), IsEmpty());
}

TEST_P(HttpRemoteTest, NothingOfOurEnvironmentReachesGit) {
  const HttpUpstream upstream([](const HttpRequest&) { return advertisement(); });
  const auto pwn = "touch " + (folder / "PWN").string();
  const std::vector<std::pair<const char*, std::string>> poison{
      {"GIT_TRACE", (folder / "trace").string()},
      {"GIT_TRACE_CURL", (folder / "trace").string()},
      {"GIT_EXEC_PATH", folder.path().string()},
      {"GIT_SSL_NO_VERIFY", "1"},
      {"GIT_CONFIG_PARAMETERS", "'core.sshCommand'='" + pwn + "'"},
      {"GIT_ASKPASS", pwn},
      {"GIT_OBJECT_DIRECTORY", "/nonexistent"},
      {"LD_PRELOAD_CANARY", "x"},
  };
  for (const auto& [name, value] : poison) ::setenv(name, value.c_str(), 1);
  const auto listed = remote(upstream.url("app.git"))->list({});
  for (const auto& [name, value] : poison) ::unsetenv(name);
  EXPECT_THAT(listed.refs, SizeIs(1));
  EXPECT_FALSE(planted_ran());
  EXPECT_FALSE(std::filesystem::exists(folder / "trace"));
}

TEST_P(HttpRemoteTest, ASilentUpstreamIsCutAtTheDeadlineAndNoProcessStays) {
  const HttpUpstream upstream([](const HttpRequest&) { return std::string(); });
  const auto failure =
      failure_of_listing(upstream.url("app.git"), {.deadline = std::chrono::steady_clock::now() + 500ms});
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_THAT(failure.message, AnyOf(HasSubstr("timed out after"), HasSubstr("took too long")));
  EXPECT_TRUE(no_child_left());
}

TEST_P(HttpRemoteTest, AStopRequestEndsIt) {
  std::stop_source source;
  const HttpUpstream upstream([&](const HttpRequest&) {
    source.request_stop();
    return std::string();
  });
  const auto failure = failure_of_listing(upstream.url("app.git"), {.stop = source.get_token()});
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_THAT(failure.message, HasSubstr("stopped"));
  EXPECT_TRUE(no_child_left());
}

TEST_P(HttpRemoteTest, AClosedPortIsTransient) {
  std::string url;
  {
    url = HttpUpstream([](const HttpRequest&) { return std::string(); }).url("app.git");
  }
  EXPECT_EQ(failure_of_listing(url).kind, ErrorKind::transient);
}

TEST_P(HttpRemoteTest, AWebPageIsNotAnEmptyRepository) {
  for (const auto* page : {"<html>log in please</html>", "<html>\n<body>\x1b]0;log in\x07\n</html>\n", ""}) {
    const HttpUpstream upstream(
        [&](const HttpRequest&) { return HttpUpstream::answer(200, page, "Content-Type: text/html\r\n"); });
    const auto failure = failure_of_listing(upstream.url("app.git"));
    EXPECT_EQ(failure.kind, ErrorKind::not_found) << failure.message;
    EXPECT_THAT(failure.message, Not(HasSubstr("\x1b")));
  }
}

TEST_P(HttpRemoteTest, AListThatIsTooLongIsRefused) {
  const HttpUpstream upstream([](const HttpRequest&) { return advertisement(); });
  const auto failure = failure_of_listing(upstream.url("app.git"), {.limits = {.max_refs = 0}});
  EXPECT_EQ(failure.kind, ErrorKind::bad_config);
  EXPECT_THAT(failure.message, HasSubstr("more than 0 branches and tags"));
}

/// Git's own HTTP backend over real repositories: here the upstream's hooks run, as they do on a real server.
class HttpBackendTest : public HttpRemoteTest {
 protected:
  void TearDown() override { expect_sound(ours); }

  std::filesystem::path upstream = make_bare("srv/app.git");
  std::filesystem::path ours = make_bare("ours.git");
  HttpUpstream server{[this](const HttpRequest& request) {
    if (request.header("authorization") != "Basic " + credential) {
      return HttpUpstream::answer(401, "", "WWW-Authenticate: Basic realm=x\r\n");
    }
    return git_http_backend(folder / "srv", request);
  }};
  std::string url = server.url("app.git");
  Repository repository = Repository::open(git, ours, false);
};

INSTANTIATE_TEST_SUITE_P(Speakers, HttpBackendTest, testing::Values(Speaker::git_program, Speaker::ourselves),
                         [](const auto& speaker) { return name_of(speaker.param); });

TEST_P(HttpBackendTest, AnEmptyRepositoryListsNothing) { EXPECT_THAT(remote(url)->list({}).refs, IsEmpty()); }

TEST_P(HttpBackendTest, ListsBranchesTagsAndWhereHeadPoints) {
  const auto one = commit(upstream, "one");
  const auto two = commit(upstream, "two", {one});
  set_ref(upstream, "refs/heads/main", two);
  set_ref(upstream, "refs/heads/a/b", one);
  set_ref(upstream, "refs/notes/x", one);
  plain_git(upstream, {"tag", "-a", "-m", "x", "v1", one.hex()});
  const auto tag = *ObjectReader(upstream).value_of("refs/tags/v1");
  const auto listed = remote(url)->list({});
  EXPECT_EQ(listed.refs, (std::vector<RefValue>{
                             {"refs/heads/a/b", one}, {"refs/heads/main", two}, {"refs/tags/v1", tag}}));
  EXPECT_EQ(listed.head_target, "refs/heads/main");
}

TEST_P(HttpBackendTest, WrongCredentialsAreAnAuthFailure) {
  EXPECT_EQ(failure_of([&] { remote(url, {}, "another")->list({}); }).kind, ErrorKind::auth);
}

TEST_P(HttpBackendTest, AMissingRepositoryIsNotFound) {
  EXPECT_EQ(failure_of_listing(server.url("missing.git")).kind, ErrorKind::not_found);
}

TEST_P(HttpBackendTest, ARepositoryWithOtherObjectIdsIsRefused) {
  const auto path = folder / "srv/long.git";
  std::filesystem::create_directories(path);
  plain_git(path, {"init", "-q", "--bare", "--object-format=sha256"});
  const auto tree = plain_git(path, {"mktree"});
  plain_git(path, {"update-ref", "refs/heads/main", plain_git(path, {"commit-tree", tree, "-m", "one"})});
  const auto failure = failure_of_listing(server.url("long.git"));
  EXPECT_EQ(failure.kind, ErrorKind::bad_config) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("only SHA-1 repositories are supported"));
}

TEST_P(HttpBackendTest, FetchesWhatTheUpstreamOffers) {
  const auto one = commit(upstream, "one");
  set_ref(upstream, "refs/heads/main", one);
  std::vector<std::string> progress;
  auto scratch = repository.scratch();
  Operation operation;
  operation.progress = [&](std::string_view line) { progress.emplace_back(line); };
  remote(url, operation)->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_TRUE(scratch.reader().contains(one));
  EXPECT_THAT(progress, Not(IsEmpty()));
  EXPECT_THAT(progress, Each(Not(HasSubstr("\n"))));
}

TEST_P(HttpBackendTest, AnUpdateHookRefusesOneRefAndAcceptsTheOther) {
  write_script(upstream / "hooks/update",
               "if [ \"$1\" = refs/heads/protected ]; then echo \"GH006: protected branch\" >&2; exit 1; fi");
  const auto one = commit(ours, "one");
  auto scratch = repository.scratch();
  const auto results = remote(url)
                           ->push(scratch, std::vector<RefUpdate>{{"refs/heads/protected", one, absent},
                                                                  {"refs/heads/main", one, absent}})
                           .results;
  EXPECT_FALSE(results.at(0).accepted);
  EXPECT_EQ(results.at(0).reason, Reason::remote_refused);
  EXPECT_THAT(results.at(0).detail, HasSubstr("hook declined"));
  EXPECT_THAT(results.at(0).detail, HasSubstr("GH006: protected branch"));
  EXPECT_TRUE(results.at(1).accepted);
  EXPECT_EQ(refs(upstream), (std::vector<RefValue>{{"refs/heads/main", one}}));
}

TEST_P(HttpBackendTest, APreReceiveHookRefusesEverythingWithItsWords) {
  write_script(upstream / "hooks/pre-receive", "printf 'no \\033[2Jpushes' >&2; exit 1");
  const auto one = commit(ours, "one");
  auto scratch = repository.scratch();
  const auto results = remote(url)
                           ->push(scratch, std::vector<RefUpdate>{{"refs/heads/a", one, absent},
                                                                  {"refs/heads/b", one, absent}})
                           .results;
  for (const auto& result : results) {
    EXPECT_FALSE(result.accepted);
    EXPECT_EQ(result.reason, Reason::remote_refused);
    EXPECT_THAT(result.detail, HasSubstr("pre-receive hook declined"));
    EXPECT_THAT(result.detail, HasSubstr("no \\x1b"));
  }
  EXPECT_THAT(refs(upstream), IsEmpty());
}

TEST_P(HttpBackendTest, AnUpstreamThatMovesDuringThePushIsRaced) {
  const auto one = commit(ours, "one");
  const auto two = commit(ours, "two", {one});
  plain_git(ours, {"push", "-q", upstream.string(), one.hex() + ":refs/heads/main",
                   two.hex() + ":refs/heads/other"});
  // Runs after our lease was compared and before the ref is locked.
  write_script(upstream / "hooks/pre-receive",
               "unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main " + two.hex());
  auto scratch = repository.scratch();
  const auto three = commit(ours, "three", {one});
  const auto results =
      remote(url)->push(scratch, std::vector<RefUpdate>{{"refs/heads/main", three, one}}).results;
  EXPECT_FALSE(results.at(0).accepted);
  EXPECT_EQ(results.at(0).reason, Reason::raced) << results.at(0).detail;
  EXPECT_EQ(ObjectReader(upstream).value_of("refs/heads/main"), two);
}

}  // namespace
}  // namespace refsyncd
