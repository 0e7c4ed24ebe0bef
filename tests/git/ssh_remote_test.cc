#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <random>
#include <thread>

#include "base/error.h"
#include "git/real_git.h"
#include "git/remote.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr auto sshd = "/usr/sbin/sshd";

/// Below the ephemeral range, so that no connection of anybody takes it before sshd does.
int free_port() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(10240, 32767);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int port = ports(random);
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return port;
  }
  throw std::runtime_error("no free port");
}

/// An OpenSSH server of the test's own, and keys in a folder whose name needs quoting.
class SshRemoteTest : public RealGit {
 protected:
  void SetUp() override {
    if (::access(sshd, X_OK) != 0) GTEST_SKIP() << "no sshd on this machine";
    std::filesystem::create_directories(keys);
    for (const auto* name : {"host", "user", "stranger"}) make_key(name);
    std::ofstream(folder / "sshd_config") << fmt::format(
        "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\n"
        "PasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n",
        port, (folder / "host").string(), (folder / "authorized_keys").string());
    std::filesystem::copy_file(keys / "host", folder / "host");
    std::filesystem::copy_file(keys / "user.pub", folder / "authorized_keys");
    std::promise<void> listening;
    server = std::jthread([this, &listening](const std::stop_token& stop) {
      std::filesystem::create_directories("/run/sshd");
      Command command{.arguments = {sshd, "-D", "-e", "-f", (folder / "sshd_config").string()}, .stop = stop};
      bool told = false;
      command.on_error_line = [&](std::string_view line) {
        if (!told && line.starts_with("Server listening")) {
          told = true;
          listening.set_value();
        }
      };
      const auto finished = run_command(command);
      if (!told) listening.set_exception(std::make_exception_ptr(std::runtime_error(finished.error)));
    });
    listening.get_future().get();
    trust("host");
  }

  void make_key(const std::string& name) const {
    const auto made = run_command({.arguments = {"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                                                 (keys / name).string()}});
    ASSERT_TRUE(made.ok()) << made.error;
  }
  void trust(const std::string& key) const {
    std::ofstream(keys / "known_hosts")
        << fmt::format("[127.0.0.1]:{} {}", port, read_file(keys / (key + ".pub")));
  }

  std::unique_ptr<Remote> remote(const std::string& key) const {
    const Upstream upstream{.url = fmt::format("ssh://127.0.0.1:{}{}", port, repository.string()),
                            .transport = Transport::ssh,
                            .auth = SshAuth{(keys / key).string(), (keys / "known_hosts").string()}};
    return make_git_program_remote(git, upstream, Secret(), {});
  }
  Advertisement list(const std::string& key) const { return remote(key)->list({}); }
  Failure failure_of_listing(const std::string& key) const {
    try {
      list(key);
    } catch (const Error& error) {
      return error.failure();
    }
    ADD_FAILURE() << "nothing failed";
    return {};
  }

  std::filesystem::path repository = make_bare("upstream.git");
  std::filesystem::path keys = folder / "it's 100%d \"keys\" $(touch PWN)";
  int port = free_port();
  std::jthread server;  // last: it uses everything above
};

TEST_F(SshRemoteTest, ListsWithTheKeyAndTheKnownHostsOfTheRepository) {
  set_ref(repository, "refs/heads/main", commit(repository, "one"));
  EXPECT_THAT(list("user").refs, SizeIs(1));
}

TEST_F(SshRemoteTest, AShallowUpstreamIsRefused) {
  const auto whole = make_bare("whole.git");
  set_ref(whole, "refs/heads/main", commit(whole, "two", {commit(whole, "one")}));
  plain_git(repository, {"fetch", "-q", "--depth=1", "file://" + whole.string(), "main:main"});
  const auto ours = make_bare("ours.git");
  auto scratch = Repository::open(git, ours, false).scratch();
  try {
    remote("user")->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
    ADD_FAILURE() << "fetched";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_config) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("is a shallow repository"));
  }
}

TEST_F(SshRemoteTest, AKeyThatIsNotAcceptedIsAuth) {
  const auto failure = failure_of_listing("stranger");
  EXPECT_EQ(failure.kind, ErrorKind::auth) << failure.message;
}

TEST_F(SshRemoteTest, AChangedHostKeyIsUntrusted) {
  trust("stranger");
  const auto failure = failure_of_listing("user");
  EXPECT_EQ(failure.kind, ErrorKind::untrusted) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("has changed"));
}

TEST_F(SshRemoteTest, AnUnknownHostIsUntrustedAndNamesTheRemedy) {
  std::ofstream(keys / "known_hosts").flush();
  const auto failure = failure_of_listing("user");
  EXPECT_EQ(failure.kind, ErrorKind::untrusted) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("known_hosts"));
}

}  // namespace
}  // namespace refsyncd
