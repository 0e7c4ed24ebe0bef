#include "base/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <regex>

#include "base/handle.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

/// systemd's end of the notification socket.
class AServiceManager : public testing::Test {
 protected:
  AServiceManager() : socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const auto path = (directory / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("bind failed");
    }
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~AServiceManager() override {
    for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }

  std::string received() const {
    char buffer[512];
    const auto length = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return length < 0 ? "" : std::string(buffer, static_cast<size_t>(length));
  }

  TemporaryDirectory directory;
  FileDescriptor socket;
  ServiceManager manager;
};

TEST_F(AServiceManager, is_told_each_step) {
  manager.ready("3 policies");
  EXPECT_EQ(received(), "READY=1\nSTATUS=3 policies");
  manager.status("1 sync running");
  EXPECT_EQ(received(), "STATUS=1 sync running");
  manager.stopping("draining");
  EXPECT_EQ(received(), "STOPPING=1\nSTATUS=draining");
  manager.watchdog();
  EXPECT_EQ(received(), "WATCHDOG=1");
}

TEST_F(AServiceManager, is_told_when_a_reload_began) {
  manager.reloading();
  EXPECT_TRUE(std::regex_match(received(), std::regex("RELOADING=1\nMONOTONIC_USEC=[0-9]+")));
}

TEST_F(AServiceManager, that_is_not_there_is_told_nothing) {
  ::unsetenv("NOTIFY_SOCKET");
  manager.ready("3 policies");
  EXPECT_EQ(received(), "");
}

TEST_F(AServiceManager, wants_a_sign_of_life_at_half_of_its_watchdog_time) {
  EXPECT_EQ(manager.watchdog_interval(), std::nullopt);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(manager.watchdog_interval(), 15s);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(manager.watchdog_interval(), std::nullopt) << "it watches another process";
}

}  // namespace
}  // namespace refsyncd
