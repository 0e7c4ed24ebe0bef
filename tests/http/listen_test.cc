#include "http/listen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>
#include <string>

#include "base/error.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

/// The message of the Error the action throws.
template <class Action>
std::string refusal_of(Action action, ErrorKind kind = ErrorKind::bad_config) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  return "(nothing was thrown)";
}

std::string tcp_refusal(const std::string& address, ErrorKind kind = ErrorKind::bad_config) {
  return refusal_of([&] { ListenSocket::tcp(address, "http.listen"); }, kind);
}
std::string unix_refusal(const std::filesystem::path& path) {
  return refusal_of([&] { ListenSocket::unix_path(path, "http.socket"); });
}

/// Leaves a socket file behind that nobody listens on, as a killed process does.
void leave_stale_socket(const std::filesystem::path& path) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
}

TEST(TcpListener, LetsTheKernelChooseAPortAndTellsIt) {
  const auto listening = ListenSocket::tcp("127.0.0.1:0", "http.listen");
  EXPECT_GT(listening.port(), 0);
  EXPECT_EQ(listening.address(), "127.0.0.1:" + std::to_string(listening.port()));
  EXPECT_FALSE(listening.is_unix());
}

TEST(TcpListener, TakesEveryFormOfAddress) {
  EXPECT_GT(ListenSocket::tcp(":0", "http.listen").port(), 0);
  EXPECT_GT(ListenSocket::tcp("localhost:0", "http.listen").port(), 0);
  EXPECT_GT(ListenSocket::tcp("0.0.0.0:0", "http.listen").port(), 0);
}

TEST(TcpListener, TakesABracketedIpv6Address) {
  try {
    const auto listening = ListenSocket::tcp("[::1]:0", "http.listen");
    EXPECT_THAT(listening.address(), MatchesRegex("\\[::1\\]:[0-9]+"));
  } catch (const Error& error) {
    GTEST_SKIP() << "this machine has no IPv6: " << error.what();
  }
}

TEST(TcpListener, NamesTheAddressTheReasonAndTheSettingWhenTheAddressIsInUse) {
  const auto first = ListenSocket::tcp("127.0.0.1:0", "http.listen");
  EXPECT_EQ(tcp_refusal(first.address(), ErrorKind::transient),
            "listening on " + first.address() +
                ": Address already in use; stop the program that has it, or change "
                "http.listen");
}

TEST(TcpListener, NamesAnAddressThatIsNotOfThisMachine) {
  EXPECT_EQ(tcp_refusal("192.0.2.1:0", ErrorKind::transient),
            "listening on 192.0.2.1:0: Cannot assign requested address; change http.listen");
}

class MalformedAddress : public testing::TestWithParam<const char*> {};
TEST_P(MalformedAddress, SaysHowToWriteOne) {
  EXPECT_EQ(tcp_refusal(GetParam()),
            std::string("listening on ") + GetParam() +
                ": not an address; write http.listen as host:port, [ipv6]:port or :port");
}
INSTANTIATE_TEST_SUITE_P(Rows, MalformedAddress,
                         testing::Values("", "9480", "127.0.0.1", "127.0.0.1:", ":", "::1:80", "[::1]",
                                         "[]:80", "a:65536", "a:-1", "a:+1", "a:0x10",
                                         "a:99999999999999999999", "a: 80"));

TEST(UnixListener, MakesAFileForItsOwnUserAndRemovesIt) {
  const TemporaryDirectory folder;
  {
    const auto listening = ListenSocket::unix_path(folder / "control.sock", "http.socket");
    struct stat file {};
    ASSERT_EQ(::lstat(listening.address().c_str(), &file), 0);
    EXPECT_TRUE(S_ISSOCK(file.st_mode));
    EXPECT_EQ(file.st_mode & 0777U, 0600U);
    EXPECT_TRUE(listening.is_unix());
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "control.sock"));
}

TEST(UnixListener, ReplacesASocketFileNobodyListensOn) {
  const TemporaryDirectory folder;
  leave_stale_socket(folder / "control.sock");
  const auto listening = ListenSocket::unix_path(folder / "control.sock", "http.socket");
  EXPECT_TRUE(std::filesystem::is_socket(folder / "control.sock"));
}

TEST(UnixListener, LeavesASocketAloneThatSomebodyListensOn) {
  const TemporaryDirectory folder;
  const auto first = ListenSocket::unix_path(folder / "control.sock", "http.socket");
  EXPECT_THAT(unix_refusal(folder / "control.sock"),
              AllOf(HasSubstr("another process listens on it"), HasSubstr("change http.socket")));
  EXPECT_TRUE(std::filesystem::is_socket(folder / "control.sock"));
}

TEST(UnixListener, NeverRemovesAFileOfAnotherKind) {
  const TemporaryDirectory folder;
  std::ofstream(folder / "control.sock") << "precious";
  EXPECT_THAT(unix_refusal(folder / "control.sock"), HasSubstr("a file is in its place; remove it"));
  EXPECT_EQ(std::filesystem::file_size(folder / "control.sock"), 8U);
}

TEST(UnixListener, DoesNotFollowASymbolicLinkToASocket) {
  const TemporaryDirectory folder;
  leave_stale_socket(folder / "other.sock");
  std::filesystem::create_symlink(folder / "other.sock", folder / "control.sock");
  EXPECT_THAT(unix_refusal(folder / "control.sock"), HasSubstr("a file is in its place"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "control.sock"));
}

TEST(UnixListener, LeavesTheFileOfASuccessorAlone) {
  const TemporaryDirectory folder;
  {
    const auto first = ListenSocket::unix_path(folder / "control.sock", "http.socket");
    leave_stale_socket(folder / "successor.sock");
    std::filesystem::rename(folder / "successor.sock", folder / "control.sock");
  }
  EXPECT_TRUE(std::filesystem::is_socket(folder / "control.sock"));
}

TEST(UnixListener, RefusesAPathThatDoesNotFitAndSaysHowLongOneMayBe) {
  EXPECT_THAT(unix_refusal("/tmp/" + std::string(200, 'x')),
              HasSubstr("the path has 205 bytes; set http.socket to one of 1 to 107 bytes"));
  EXPECT_THAT(unix_refusal(""), HasSubstr("the path has 0 bytes"));
}

TEST(UnixListener, NamesAFolderThatDoesNotExist) {
  EXPECT_EQ(unix_refusal("/nonexistent/control.sock"),
            "listening on /nonexistent/control.sock: No such file or directory; change http.socket");
}

}  // namespace
}  // namespace refsyncd
