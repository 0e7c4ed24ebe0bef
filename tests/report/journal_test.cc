#include "report/journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>

#include "base/handle.h"
#include "base/text.h"
#include "report/log.h"
#include "report/samples.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using testing::UnorderedElementsAre;

constexpr int cannot = 77;

/// Runs the body in a process that has an empty /run of its own. Its result, or `cannot` when the machine
/// does not let us make one.
int with_private_run(const std::function<int()>& body) {
  const auto child = ::fork();
  if (child == 0) {
    const bool made = (::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
                      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
    ::_exit(made ? body() : cannot);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A socket where systemd-journald has its own.
FileDescriptor journald() {
  ::mkdir("/run/systemd", 0755);
  ::mkdir("/run/systemd/journal", 0755);
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/systemd/journal/socket");
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return {};
  return socket;
}

void log_one(std::string message) {
  ManualClock clock;
  Log log({.level = Severity::info, .form = LogForm::journal}, clock);
  log.write({.severity = Severity::warning,
             .event = "ref",
             .message = std::move(message),
             .fields = {{"policy", "app-pull"}, {"sync_id", "s1"}}});
}

TEST(journal, receives_each_record_as_native_fields) {
  const auto result = with_private_run([] {
    const auto socket = journald();
    log_one("app-pull: refs/heads/a\nPRIORITY=0 rejected");
    std::array<char, 4096> datagram{};
    const auto size = ::recv(socket.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
    if (size < 0) return 1;
    const auto fields = split(trim({datagram.data(), static_cast<size_t>(size)}), '\n');
    EXPECT_THAT(fields, UnorderedElementsAre("MESSAGE=app-pull: refs/heads/a PRIORITY=0 rejected",
                                             "PRIORITY=4", "SYSLOG_IDENTIFIER=refsyncd", "REFSYNCD_EVENT=ref",
                                             "REFSYNCD_POLICY=app-pull", "REFSYNCD_SYNC_ID=s1"));
    return testing::Test::HasFailure() ? 1 : 0;
  });
  if (result == cannot) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(result, 0);
}

TEST(journal, that_is_not_there_leaves_text_on_stderr) {
  const auto result = with_private_run([] {
    testing::internal::CaptureStderr();
    log_one("still told");
    EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::EndsWith("Z warning still told\n"));
    return testing::Test::HasFailure() ? 1 : 0;
  });
  if (result == cannot) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(result, 0);
}

TEST(journal, is_recognised_by_the_device_and_inode_of_the_stream) {
  const Owned<std::FILE, std::fclose> stream(std::tmpfile());
  const Owned<std::FILE, std::fclose> other(std::tmpfile());
  struct stat status {};
  ASSERT_EQ(::fstat(::fileno(stream.get()), &status), 0);
  const auto name = fmt::format("{}:{}", status.st_dev, status.st_ino);
  EXPECT_TRUE(is_journal_stream(name, ::fileno(stream.get())));
  EXPECT_FALSE(is_journal_stream(name, ::fileno(other.get())));
  EXPECT_FALSE(is_journal_stream(name, -1));
  for (const auto* bad : {"", ":", "1", "1:2", "x:y", "9999999999999999999999:1"}) {
    EXPECT_FALSE(is_journal_stream(bad, ::fileno(stream.get()))) << bad;
  }
}

}  // namespace
}  // namespace refsyncd
