#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <thread>

#include "git/native_upstream.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

/// What comes in place of the pack that was asked for. None of it leaves anything in the target.
class NativeFetchFaultTest : public NativeUpstream, public testing::WithParamInterface<Verify> {
 protected:
  NativeFetchFaultTest() {
    history = grow("refs/heads/main", 5, "x");
    pull();
    grow("refs/heads/main", 3, "y", "refs/heads/main^0");
    std::string noise;
    for (unsigned i = 0, x = 1; i < 300'000; ++i)
      noise += static_cast<char>((x = x * 1103515245 + 12345) >> 16);
    commit_noise(noise);
  }
  void commit_noise(const std::string& noise) {
    plain_git(
        upstream, {"fast-import", "--quiet"},
        fmt::format("commit refs/heads/main\ncommitter Ada <ada@example.com> 1767700000 +0000\ndata 1\nx\n"
                    "from refs/heads/main^0\nM 100644 inline noise\ndata {}\n{}\n",
                    noise.size(), noise));
  }

  /// Changes the answers to requests for a pack, from now on.
  void answer_fetch(std::function<std::string(std::string)> change) {
    const std::scoped_lock lock(changing);
    after = [change = std::move(change)](const HttpRequest& request, std::string said) {
      return fetches(request) ? change(std::move(said)) : said;
    };
  }
  static std::string result(const std::string& body) {
    return HttpUpstream::answer(200, body, "Content-Type: application/x-git-upload-pack-result\r\n");
  }

  /// Fails to fetch, and then fetches when the upstream behaves: nothing is in the way.
  Failure fail_to_fetch(const Operation& operation = {}) {
    const auto files = files_of_target();
    const auto held = read_refs(ours);
    Failure failure;
    {
      auto scratch = make_scratch();
      const auto upstream_remote = remote(operation, "app.git", GetParam());
      upstream_remote->list({});
      failure =
          failure_of([&] { upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
      EXPECT_THAT(scratch.refs(), IsEmpty());
    }
    EXPECT_EQ(files_of_target(), files);
    EXPECT_EQ(read_refs(ours), held);
    EXPECT_EQ(failure.message.find('\n'), std::string::npos) << failure.message;
    answer_fetch([](std::string said) { return said; });
    pull(remote({}, "app.git", GetParam()));
    EXPECT_EQ(read_refs(ours), read_refs(upstream));
    return failure;
  }

  Failure fail_to_fetch_shallow() {
    plain_git(folder.path(), {"clone", "-q", "--bare", "--depth=1", "file://" + upstream.string(),
                              (folder / "srv/shallow.git").string()});
    auto scratch = make_scratch();
    const auto upstream_remote = remote({}, "shallow.git", GetParam());
    upstream_remote->list({});
    auto failure =
        failure_of([&] { upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
    EXPECT_THAT(scratch.refs(), IsEmpty());
    return failure;
  }

  std::vector<ObjectId> history;
};

INSTANTIATE_TEST_SUITE_P(Verify, NativeFetchFaultTest, testing::Values(Verify::fsck, Verify::connectivity),
                         [](const auto& verify) {
                           return verify.param == Verify::fsck ? "fsck" : "connectivity";
                         });

TEST_P(NativeFetchFaultTest, AServerThatClosesInMidPack) {
  answer_fetch([](const std::string& said) { return said.substr(0, said.size() / 2); });
  EXPECT_EQ(fail_to_fetch().kind, ErrorKind::transient);
}

TEST_P(NativeFetchFaultTest, AServerThatClosesBeforeThePack) {
  answer_fetch([](const std::string& said) { return said.substr(0, said.find("\r\n\r\n") + 4); });
  EXPECT_EQ(fail_to_fetch().kind, ErrorKind::transient);
}

TEST_P(NativeFetchFaultTest, APackThatEndsEarlyInAWholeAnswer) {
  answer_fetch([](const std::string& said) {
    const auto pack = said.find("PACK");
    return result(packet("packfile\n") + packet('\1' + said.substr(pack, 1000)) + "0000");
  });
  const auto failure = fail_to_fetch();
  EXPECT_EQ(failure.kind, ErrorKind::transient) << failure.message;
}

TEST_P(NativeFetchFaultTest, AnAnswerWithoutItsEnd) {
  answer_fetch([](const std::string& said) {
    return result(said.substr(said.find("\r\n\r\n") + 4, said.size() - said.find("\r\n\r\n") - 8));
  });
  const auto failure = fail_to_fetch();
  EXPECT_EQ(failure.kind, ErrorKind::transient) << failure.message;
}

TEST_P(NativeFetchFaultTest, AFlippedBit) {
  for (const size_t place : {size_t{15}, size_t{400}, size_t{40'000}}) {
    answer_fetch([place](std::string said) {
      auto& byte = said[said.find("PACK") + place];
      byte = static_cast<char>(byte ^ 4);
      return said;
    });
    const auto files = files_of_target();
    auto scratch = make_scratch();
    const auto upstream_remote = remote({}, "app.git", GetParam());
    upstream_remote->list({});
    const auto failure =
        failure_of([&] { upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
    EXPECT_EQ(failure.kind, ErrorKind::transient) << place << ": " << failure.message;
    EXPECT_THAT(scratch.refs(), IsEmpty());
  }
}

TEST_P(NativeFetchFaultTest, APackThatLacksAnObject) {
  const auto tip = plain_git(upstream, {"rev-parse", "main"});
  const auto tree = plain_git(upstream, {"rev-parse", "main^{tree}"});
  for (const auto& objects : {std::string(), tip + "\n", tip + "\n" + tree + "\n"}) {
    const auto pack =
        run_command({.arguments = {"/usr/bin/git", "-C", upstream.string(), "pack-objects", "-q", "--stdout"},
                     .environment = {"PATH=/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM=1"},
                     .input = objects})
            .output;
    answer_fetch(
        [pack](const std::string&) { return result(packet("packfile\n") + packet('\1' + pack) + "0000"); });
    auto scratch = make_scratch();
    const auto upstream_remote = remote({}, "app.git", GetParam());
    upstream_remote->list({});
    const auto failure =
        failure_of([&] { upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
    EXPECT_EQ(failure.kind, ErrorKind::transient) << failure.message;
    EXPECT_THAT(scratch.refs(), IsEmpty());
  }
  EXPECT_EQ(read_refs(ours), (std::vector<RefValue>{{"refs/heads/main", history.back()}}));
}

TEST_P(NativeFetchFaultTest, ATooLargePackIsNotReadOn) {
  const auto failure = fail_to_fetch({.max_pack_bytes = 10'000});
  EXPECT_EQ(failure.kind, ErrorKind::bad_config) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("fetching from http://127.0.0.1:"));
  EXPECT_THAT(failure.message, HasSubstr("the pack is larger than 10000B"));
  EXPECT_THAT(failure.message, HasSubstr("'max_pack' under 'upstream'"));
}

TEST_P(NativeFetchFaultTest, ATooLargePackOfAnOldServerIsRefusedToo) {
  before = hide_version;
  const auto failure = fail_to_fetch({.max_pack_bytes = 10'000});
  EXPECT_EQ(failure.kind, ErrorKind::bad_config) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("'max_pack' under 'upstream'"));
}

TEST_P(NativeFetchFaultTest, ARefusalIsQuoted) {
  answer_fetch([](const std::string&) { return result(packet("ERR upload-pack: out of \x1bluck\n")); });
  const auto failure = fail_to_fetch();
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_THAT(failure.message, HasSubstr("fetching from http://127.0.0.1:"));
  EXPECT_THAT(failure.message, HasSubstr("upload-pack: out of \\x1bluck"));
}

TEST_P(NativeFetchFaultTest, ARefusalInMidPackIsQuoted) {
  answer_fetch([](const std::string& said) {
    return result(packet("packfile\n") + packet('\1' + said.substr(said.find("PACK"), 2000)) +
                  packet("\3the disk is broken\n"));
  });
  const auto failure = fail_to_fetch();
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_THAT(failure.message, HasSubstr("the disk is broken"));
}

/// A server knows the secret, and may say it.
TEST_P(NativeFetchFaultTest, TheSecretIsInNeitherProgressNorFailures) {
  const std::string canary = "the-canary-sings";
  const auto credential = base64("x-access-token:" + canary);
  std::string progress;
  const auto failure_when_told = [&](const std::string& answer) {
    answer_fetch([&](const std::string&) { return result(answer); });
    auto scratch = make_scratch();
    const auto upstream_remote = remote_of(
        Speaker::ourselves,
        upstream_at(server.url("app.git"), TokenAuth{.token = {}, .username = "x-access-token"}, GetParam()),
        Secret(canary), {.progress = [&](std::string_view line) { progress += line; }});
    upstream_remote->list({});
    return failure_of([&] { upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
  };
  for (const auto& answer :
       {packet("packfile\n") + packet("\2counting " + canary + "\n") + packet("\3no " + credential + "\n"),
        packet("ERR upload-pack: not our ref " + canary + "\n"), packet("ERR out of " + credential + "\n")}) {
    const auto failure = failure_when_told(answer);
    EXPECT_THAT(failure.message, HasSubstr("[secret]"));
    EXPECT_EQ(failure.message.find(canary), std::string::npos);
    EXPECT_EQ(failure.message.find(credential), std::string::npos);
  }
  EXPECT_EQ(progress, "counting [secret]");
}

TEST_P(NativeFetchFaultTest, AStatusInPlaceOfThePack) {
  answer_fetch(
      [](const std::string&) { return HttpUpstream::answer(403, "no", "Content-Type: text/plain\r\n"); });
  EXPECT_EQ(fail_to_fetch().kind, ErrorKind::auth);
  answer_fetch([](const std::string&) { return HttpUpstream::answer(429, "", "Retry-After: 9\r\n"); });
  grow("refs/heads/main", 1, "z", "refs/heads/main^0");
  EXPECT_EQ(fail_to_fetch().retry_after, 9s);
}

TEST_P(NativeFetchFaultTest, AShallowUpstreamIsRefusedWithTheRemedy) {
  const auto failure = fail_to_fetch_shallow();
  EXPECT_EQ(failure.kind, ErrorKind::bad_config) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("shallow.git is a shallow repository"));
  EXPECT_THAT(failure.message, HasSubstr("git fetch --unshallow"));
}

TEST_P(NativeFetchFaultTest, AShallowUpstreamBehindAnOldServerIsRefusedInTheSameWords) {
  before = hide_version;
  const auto failure = fail_to_fetch_shallow();
  EXPECT_EQ(failure.kind, ErrorKind::bad_config) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("shallow.git is a shallow repository"));
  EXPECT_THAT(failure.message, HasSubstr("git fetch --unshallow"));
}

TEST_P(NativeFetchFaultTest, ARefThatVanishedIsTransient) {
  auto scratch = make_scratch();
  const auto upstream_remote = remote();
  upstream_remote->list({});
  const auto failure =
      failure_of([&] { upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/gone"}); });
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_THAT(failure.message, HasSubstr("refs/heads/gone is not there any longer"));
}

TEST_P(NativeFetchFaultTest, AStopEndsTheWaitForAServerThatHangs) {
  for (const bool in_mid_pack : {false, true}) {
    std::stop_source source;
    std::promise<void> hangs;
    answer_fetch([&, in_mid_pack](const std::string& said) {
      hangs.set_value();
      return in_mid_pack ? said.substr(0, said.size() / 2) + std::string(HttpUpstream::and_hang)
                         : std::string();
    });
    std::chrono::steady_clock::time_point stopped;
    const std::jthread stopper([&] {
      hangs.get_future().wait();
      std::this_thread::sleep_for(50ms);  // the first half is on its way
      stopped = std::chrono::steady_clock::now();
      source.request_stop();
    });
    auto scratch = make_scratch();
    const auto upstream_remote = remote({.stop = source.get_token()}, "app.git", GetParam());
    upstream_remote->list({});
    const auto failure =
        failure_of([&] { upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
    EXPECT_LT(std::chrono::steady_clock::now() - stopped, 10s);
    EXPECT_EQ(failure.kind, ErrorKind::transient);
    EXPECT_THAT(failure.message, HasSubstr("stopped"));
  }
}

TEST_P(NativeFetchFaultTest, TheDeadlineEndsTheWaitForAServerThatHangs) {
  answer_fetch([](const std::string& said) {
    return said.substr(0, said.size() / 2) + std::string(HttpUpstream::and_hang);
  });
  EXPECT_EQ(fail_to_fetch({.deadline = std::chrono::steady_clock::now() + 3s}).kind, ErrorKind::transient);
}

}  // namespace
}  // namespace refsyncd
