#include "git/pack_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

namespace refsyncd {
namespace {

class PackPipeTest : public testing::Test {
 protected:
  static constexpr int capacity = 4096;

  PackPipeTest() {
    std::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reading.reset(ends[0]);
    EXPECT_EQ(::fcntl(ends[1], F_SETPIPE_SZ, capacity), capacity);
    EXPECT_EQ(::fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    pipe.emplace(loop, FileDescriptor(ends[1]), [this] { ++rooms; });
  }

  /// What the pipe holds now.
  std::string read_all() const {
    std::string text;
    std::array<char, 1000> buffer{};
    for (ssize_t count = 0; (count = ::read(reading.get(), buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<size_t>(count));
    return text;
  }
  /// Lets the loop do what it can do now.
  void turn() { loop.run_once(SteadyTime::min()); }

  Loop loop;
  FileDescriptor reading;
  std::optional<PackPipe> pipe;
  int rooms = 0;
};

TEST_F(PackPipeTest, PassesOnWhatFits) {
  pipe->write("PACK");
  pipe->write("");
  EXPECT_FALSE(pipe->full());
  turn();
  EXPECT_EQ(rooms, 0) << "nobody was asked to wait";
  EXPECT_EQ(read_all(), "PACK");
}

TEST_F(PackPipeTest, IsFullWhileNobodyReadsAndTellsOnceAllIsWritten) {
  std::string pack;
  for (int i = 0; i < 3 * capacity; ++i) pack += static_cast<char>('a' + i % 26);
  pipe->write(pack);
  pipe->write("end");
  EXPECT_TRUE(pipe->full());
  turn();
  EXPECT_EQ(rooms, 0);
  std::string taken;
  while (pipe->full()) {
    const auto more = read_all();
    ASSERT_FALSE(more.empty());
    taken += more;
    turn();
  }
  EXPECT_EQ(rooms, 1);
  taken += read_all();
  EXPECT_EQ(taken, pack + "end");
  turn();
  EXPECT_EQ(rooms, 1);
}

TEST_F(PackPipeTest, TellsThatNobodyReadsAnyMore) {
  reading.reset();
  EXPECT_THROW(pipe->write("PACK"), PackNotTaken);
}

TEST_F(PackPipeTest, AReaderThatGoesWhileBytesAreHeldIsToldOfAtTheNextWrite) {
  pipe->write(std::string(size_t{2} * capacity, 'x'));
  reading.reset();
  turn();
  EXPECT_EQ(rooms, 1) << "whoever brings bytes must not wait for ever";
  EXPECT_FALSE(pipe->full());
  EXPECT_THROW(pipe->write("more"), PackNotTaken);
}

TEST_F(PackPipeTest, MayEndItselfWhenThereIsRoom) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  reading.reset(ends[0]);
  ASSERT_EQ(::fcntl(ends[1], F_SETPIPE_SZ, capacity), capacity);
  pipe.emplace(loop, FileDescriptor(ends[1]), [this] {
    ++rooms;
    pipe.reset();
  });
  pipe->write(std::string(size_t{2} * capacity, 'x'));
  EXPECT_EQ(read_all().size(), size_t{capacity});
  turn();
  EXPECT_EQ(rooms, 1);
  EXPECT_EQ(read_all().size(), size_t{capacity});
  std::array<char, 1> byte{};
  EXPECT_EQ(::read(reading.get(), byte.data(), 1), 0) << "the pack's end";
}

TEST_F(PackPipeTest, EndsThePackWithItself) {
  pipe->write("PACK");
  pipe.reset();
  EXPECT_EQ(read_all(), "PACK");
  std::array<char, 1> byte{};
  EXPECT_EQ(::read(reading.get(), byte.data(), 1), 0);
}

}  // namespace
}  // namespace refsyncd
