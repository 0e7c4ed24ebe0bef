#include "report/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/handle.h"
#include "report/samples.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using File = Owned<std::FILE, std::fclose>;

std::vector<std::string> lines_of(std::FILE* file) {
  std::rewind(file);
  std::vector<std::string> lines;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), file) != nullptr) {
    lines.emplace_back(line.data());
    lines.back().pop_back();
  }
  return lines;
}

LogRecord record(Severity severity, std::string message) {
  return {
      .severity = severity, .event = "test", .message = std::move(message), .fields = {{"n", int64_t{1}}}};
}

class LogTest : public testing::Test {
 protected:
  LogTest() { clock.wall = noon; }

  std::vector<std::string> written(LogForm form, Severity level, const std::vector<LogRecord>& records) {
    const File out(std::tmpfile());
    {
      Log log({.level = level, .form = form, .out = out.get()}, clock);
      for (const auto& each : records) log.write(each);
    }
    return lines_of(out.get());
  }

  ManualClock clock;
};

TEST_F(LogTest, text_is_time_level_and_message_without_colour_in_a_file) {
  EXPECT_THAT(written(LogForm::text, Severity::info,
                      {record(Severity::info, "first"), record(Severity::warning, "second\x1b[31m"),
                       record(Severity::error, "third\nline")}),
              ElementsAre("2026-01-05T12:00:00.000Z info    first",
                          "2026-01-05T12:00:00.000Z warning second\\x1b[31m",
                          "2026-01-05T12:00:00.000Z error   third line"));
}

TEST_F(LogTest, text_outside_the_journal_is_what_automatic_means) {
  ASSERT_EQ(::unsetenv("JOURNAL_STREAM"), 0);
  EXPECT_THAT(written(LogForm::automatic, Severity::info, {record(Severity::info, "x")}),
              ElementsAre("2026-01-05T12:00:00.000Z info    x"));
}

TEST_F(LogTest, json_is_the_record_and_nothing_around_it) {
  const auto lines = written(LogForm::json, Severity::info, {record(Severity::info, "a %v {} \"quoted\"")});
  EXPECT_THAT(lines, ElementsAre(json_line(record(Severity::info, "a %v {} \"quoted\""), noon)));
}

TEST_F(LogTest, records_below_the_level_are_dropped_until_the_level_changes) {
  const File out(std::tmpfile());
  {
    Log log({.level = Severity::warning, .form = LogForm::text, .out = out.get()}, clock);
    EXPECT_FALSE(log.enabled(Severity::info));
    log.write(record(Severity::info, "dropped"));
    log.set_level(Severity::debug);
    EXPECT_TRUE(log.enabled(Severity::debug));
    EXPECT_FALSE(log.enabled(Severity::trace));
    log.write(record(Severity::debug, "kept"));
  }
  EXPECT_THAT(lines_of(out.get()), ElementsAre("2026-01-05T12:00:00.000Z debug   kept"));
}

TEST_F(LogTest, a_reader_that_does_not_read_never_stops_the_writer_and_is_told_what_it_missed) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const File in(::fdopen(ends[0], "r"));
  File out(::fdopen(ends[1], "w"));
  constexpr size_t written = 2 * Log::capacity;
  size_t arrived = 0;
  size_t lost = 0;
  const auto read_all = [&] {
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), in.get()) != nullptr) {
      size_t told = 0;
      if (std::sscanf(line.data(), "%*s warning %zu log records were lost", &told) == 1) {
        lost += told;
      } else {
        ++arrived;
      }
    }
  };
  std::jthread reader;
  {
    Log log({.level = Severity::info, .form = LogForm::text, .out = out.get()}, clock);
    for (size_t i = 0; i < written; ++i) log.write(record(Severity::info, std::string(200, 'x')));
    reader = std::jthread(read_all);
  }
  out.reset();
  reader.join();
  EXPECT_GT(lost, Log::capacity / 2);
  // Making room for the warning itself may push one more record out.
  EXPECT_NEAR(static_cast<double>(arrived + lost), static_cast<double>(written), 1);
}

TEST_F(LogTest, signals_stay_with_the_threads_that_wait_for_them) {
  sigset_t before;
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  Log log({}, clock);
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
  EXPECT_EQ(sigismember(&after, SIGTERM), 0);
}

}  // namespace
}  // namespace refsyncd
