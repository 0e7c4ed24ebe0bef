#include "http/open_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "base/handle.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

constexpr auto never = OpenSockets::Time::max();

/// The server's end of a connection, and the client's.
struct Pair {
  Pair() {
    std::array<int, 2> both{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
    ours.reset(both[0]);
    theirs.reset(both[1]);
  }
  /// Reads until the connection ends.
  std::string arrives_at_us() const {
    std::string all;
    char byte = 0;
    while (::recv(ours.get(), &byte, 1, 0) == 1) all += byte;
    return all;
  }
  bool is_open() const { return ::send(ours.get(), "x", 1, MSG_NOSIGNAL) == 1; }

  FileDescriptor ours;
  FileDescriptor theirs;
};

TEST(OpenSockets, EndsEverySocketAndWaitsUntilAllAreRemoved) {
  OpenSockets sockets;
  const Pair first;
  const Pair second;
  for (const auto* pair : {&first, &second}) sockets.add(pair->ours.get(), never);
  ASSERT_EQ(::send(second.theirs.get(), "late", 4, MSG_NOSIGNAL), 4);

  std::atomic<int> removed = 0;
  const std::jthread server([&] {
    EXPECT_EQ(first.arrives_at_us(), "");
    ++removed;
    sockets.remove(first.ours.get());
    EXPECT_EQ(second.arrives_at_us(), "late");
    ++removed;
    sockets.remove(second.ours.get());
  });
  sockets.end_all();
  EXPECT_EQ(removed, 2);
  EXPECT_FALSE(first.is_open());
}

TEST(OpenSockets, LeavesASocketAloneThatIsRemoved) {
  OpenSockets sockets;
  const Pair pair;
  sockets.add(pair.ours.get(), never);
  sockets.remove(pair.ours.get());
  sockets.end_all();
  EXPECT_TRUE(pair.is_open());
}

TEST(OpenSockets, EndsASocketAtOnceThatComesLate) {
  OpenSockets sockets;
  sockets.end_all();
  const Pair pair;
  sockets.add(pair.ours.get(), never);
  EXPECT_FALSE(pair.is_open());
}

TEST(OpenSockets, EndsASocketWhoseTimeIsOverAndNoOther) {
  OpenSockets sockets;
  const std::jthread watching([&](const std::stop_token& stop) { sockets.end_late_ones(stop); });
  const Pair late;
  const Pair sooner;
  const Pair longer;
  const auto now = std::chrono::steady_clock::now();
  for (const auto* pair : {&late, &sooner, &longer}) sockets.add(pair->ours.get(), now + 1h);
  sockets.extend(longer.ours.get(), now + 2h);
  sockets.extend(sooner.ours.get(), now + 10ms);
  EXPECT_EQ(sooner.arrives_at_us(), "") << "it ends while nobody sends";
  sockets.extend(late.ours.get(), now);
  EXPECT_EQ(late.arrives_at_us(), "");
  EXPECT_TRUE(longer.is_open());
  sockets.extend(-1, now);
}

}  // namespace
}  // namespace refsyncd
