#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include "base/error.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

std::string message_of(const std::function<void()>& action, ErrorKind kind) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

size_t entries(const std::filesystem::path& directory) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

class AFile : public testing::Test {
 protected:
  TemporaryDirectory directory;
  const std::filesystem::path path = directory / "state";
};

TEST_F(AFile, is_read_back_as_written) {
  std::string content = "first\nsecond";
  content += '\0';
  content += "\xff";
  write_file(path, content);
  EXPECT_EQ(read_file(path), content);
}

TEST_F(AFile, may_be_empty) {
  write_file(path, "");
  EXPECT_EQ(read_file(path), "");
}

TEST_F(AFile, is_replaced_whole_and_leaves_nothing_beside_it) {
  write_file(path, std::string(100'000, 'a'));
  write_file(path, "short");
  EXPECT_EQ(read_file(path), "short");
  EXPECT_EQ(entries(directory.path()), 1u);
}

TEST_F(AFile, is_private_unless_asked_otherwise) {
  write_file(path, "secret");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  write_file(path, "public", 0644);
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u & ~0644u, 0u);
}

TEST_F(AFile, replaces_a_link_and_not_what_it_points_to) {
  write_file(directory / "target", "untouched");
  std::filesystem::create_symlink(directory / "target", path);
  std::filesystem::create_symlink(directory / "target", directory / "state.new");
  write_file(path, "mine");
  EXPECT_EQ(read_file(directory / "target"), "untouched");
  EXPECT_EQ(read_file(path), "mine");
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST_F(AFile, is_never_seen_half_written) {
  write_file(path, std::string(50'000, 'a'));
  std::jthread writing([&](const std::stop_token& stop) {
    for (char c = 'b'; !stop.stop_requested(); c = c == 'z' ? 'a' : static_cast<char>(c + 1)) {
      write_file(path, std::string(50'000, c));
    }
  });
  for (int i = 0; i < 50; ++i) {
    const auto content = read_file(path);
    ASSERT_EQ(content, std::string(50'000, content.empty() ? '?' : content[0]));
  }
}

TEST_F(AFile, that_cannot_be_written_says_why_and_leaves_nothing_behind) {
  EXPECT_EQ(message_of([&] { write_file(directory / "missing" / "state", "x"); }, ErrorKind::internal),
            "creating " + (directory / "missing").string() + "/state.new: No such file or directory");
  std::filesystem::create_directory(path);  // a file cannot take a directory's place
  EXPECT_NE(message_of([&] { write_file(path, "x"); }, ErrorKind::internal).find("renaming "),
            std::string::npos);
  EXPECT_EQ(entries(directory.path()), 1u);
}

TEST_F(AFile, that_cannot_be_read_says_why) {
  EXPECT_EQ(message_of([&] { read_file(path); }, ErrorKind::bad_config),
            "reading " + path.string() + ": No such file or directory");
  EXPECT_EQ(message_of([&] { read_file(directory.path()); }, ErrorKind::bad_config),
            "reading " + directory.path().string() + ": Is a directory");
}

TEST(What_cannot_be_read_for_now, may_be_read_later) {
  // Reading its own memory from address 0 is an input/output error to every process.
  EXPECT_EQ(message_of([] { read_file("/proc/self/mem"); }, ErrorKind::transient),
            "reading /proc/self/mem: Input/output error");
}

TEST(The_limit_of_open_files, is_raised_to_what_is_allowed) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{.rlim_cur = 100, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  raise_file_limit();
  rlimit raised{};
  ::getrlimit(RLIMIT_NOFILE, &raised);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(raised.rlim_cur, std::min<rlim_t>(before.rlim_max, 65'536));
}

TEST_F(AFile, is_read_up_to_the_limit_and_not_beyond) {
  write_file(path, std::string(1000, 'x'));
  EXPECT_EQ(read_file(path, 1000).size(), 1000u);
  EXPECT_EQ(message_of([&] { read_file(path, 999); }, ErrorKind::bad_config),
            "reading " + path.string() + ": larger than 999 bytes");
  EXPECT_NE(message_of([&] { read_file("/dev/zero"); }, ErrorKind::bad_config).find("larger than"),
            std::string::npos);
}

TEST_F(AFile, a_missing_directory_cannot_be_made_durable) {
  EXPECT_NO_THROW(sync_directory(directory.path()));
  message_of([&] { sync_directory(directory / "missing"); }, ErrorKind::internal);
}

class ALock : public AFile {};

TEST_F(ALock, holds_our_process_id) {
  const FileLock lock(path);
  EXPECT_EQ(read_file(path), std::to_string(::getpid()) + "\n");
}

TEST_F(ALock, is_refused_to_a_second_one_with_the_process_id_of_the_holder) {
  const FileLock lock(path);
  EXPECT_THROW(
      {
        try {
          FileLock second(path);
        } catch (const Error& error) {
          EXPECT_EQ(error.what(), directory.path().string() + " is in use by another refsyncd (process " +
                                      std::to_string(::getpid()) + ")");
          throw;
        }
      },
      LockHeld);
  EXPECT_EQ(read_file(path), std::to_string(::getpid()) + "\n") << "the refused one must not write";
}

TEST_F(ALock, is_free_again_when_its_owner_goes) {
  { const FileLock lock(path); }
  EXPECT_NO_THROW(FileLock{path});
}

TEST_F(ALock, writes_over_a_longer_process_id_of_the_past) {
  write_file(path, "123456789012345\n");
  const FileLock lock(path);
  EXPECT_EQ(read_file(path), std::to_string(::getpid()) + "\n");
}

TEST_F(ALock, of_another_process_counts_and_ends_with_it) {
  int ready[2];
  int quit[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(quit), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  char byte = 0;
  if (child == 0) {
    std::optional<FileLock> lock(path);
    ::close(quit[1]);
    const bool told = ::write(ready[1], "x", 1) == 1;
    ::_exit(told && ::read(quit[0], &byte, 1) == 0
                ? 0
                : 1);  // the lock ends with the process, not by a destructor
  }
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const auto message = message_of([&] { FileLock{path}; }, ErrorKind::transient);
  EXPECT_NE(message.find("(process " + std::to_string(child) + ")"), std::string::npos) << message;
  for (const int end : {ready[0], ready[1], quit[0], quit[1]}) ::close(end);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NO_THROW(FileLock{path});
}

TEST_F(ALock, shows_no_hostile_bytes_of_the_lock_file) {
  const FileLock lock(path);
  std::ofstream(path) << "\x1b[31m";
  const auto message = message_of([&] { FileLock{path}; }, ErrorKind::transient);
  EXPECT_NE(message.find("(process \\x1b[31m)"), std::string::npos) << message;
}

TEST_F(ALock, that_cannot_be_made_says_why) {
  EXPECT_EQ(message_of([&] { FileLock{directory / "missing" / "lock"}; }, ErrorKind::bad_config),
            "opening " + (directory / "missing").string() + "/lock: No such file or directory");
}

}  // namespace
}  // namespace refsyncd
