#include "base/subprocess.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;
using testing::ElementsAre;

Command shell(const std::string& script) {
  return {.arguments = {"/bin/sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin"}};
}

TEST(Subprocess, GivesBackOutputErrorAndExitCode) {
  const auto finished = run_command(shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(finished.ending, Ending::exited);
  EXPECT_EQ(finished.code, 7);
  EXPECT_EQ(finished.output, "out\n");
  EXPECT_EQ(finished.error, "err\n");
  EXPECT_FALSE(finished.ok());
}

TEST(Subprocess, FeedsInputOfAnySizeAndClosesIt) {
  auto command = shell("wc -c");
  command.input.assign(5'000'000, 'x');
  EXPECT_EQ(run_command(command).output, "5000000\n");
  command.input.clear();
  EXPECT_EQ(run_command(command).output, "0\n");
}

TEST(Subprocess, ReadsFromADescriptorThatWeGoOnFeeding) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor reader(ends[0]);
  auto command = shell("cat");
  command.input_descriptor = reader.get();
  std::jthread feeder([writer = FileDescriptor(ends[1])]() mutable {
    for (const std::string_view part : {"first ", "second"}) {
      std::this_thread::sleep_for(20ms);
      EXPECT_EQ(::write(writer.get(), part.data(), part.size()), static_cast<ssize_t>(part.size()));
    }
    writer.reset();
  });
  EXPECT_EQ(run_command(command).output, "first second");
}

TEST(Subprocess, InheritsNothingFromOurEnvironment) {
  ::setenv("REFSYNCD_CANARY", "leaked", 1);
  const auto finished = run_command({.arguments = {"/usr/bin/env"}, .environment = {"ONLY=this"}});
  ::unsetenv("REFSYNCD_CANARY");
  EXPECT_EQ(finished.output, "ONLY=this\n");
}

TEST(Subprocess, LeavesOnlyTheStandardDescriptorsOpen) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // deliberately without O_CLOEXEC
  const auto finished = run_command(shell("ls /proc/$$/fd"));
  ::close(leaked);
  EXPECT_EQ(finished.output, "0\n1\n2\n");
}

TEST(Subprocess, WorksWhenOurOwnStandardInputIsClosed) {
  const int saved = ::dup(0);
  ::close(0);
  auto command = shell("cat; echo err >&2");
  command.input = "hello";
  const auto finished = run_command(command);
  ::dup2(saved, 0);
  ::close(saved);
  EXPECT_EQ(finished.output, "hello");
  EXPECT_EQ(finished.error, "err\n");
}

TEST(Subprocess, RunsInItsOwnSessionWithDefaultSignals) {
  ::signal(SIGUSR1, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto finished = run_command(
      shell("grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/$$/status | tr -d '\\t'; ulimit -c; "
            "set -- $(cut -d' ' -f1,5,6 /proc/$$/stat); test $1 = $2 && test $1 = $3 && echo leader"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGUSR1, SIG_DFL);
  EXPECT_EQ(finished.output, "SigBlk:0000000000000000\nSigIgn:0000000000000000\nNoNewPrivs:1\n0\nleader\n");
}

TEST(Subprocess, RestoresTheSignalMaskOfItsCaller) {
  sigset_t before;
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  run_command(shell(":"));
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; ++signal)
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal));
}

TEST(Subprocess, LimitsTheSizeOfFiles) {
  const TemporaryDirectory folder;
  auto command = shell("head -c 5000 /dev/zero > big");
  command.directory = folder.path();
  command.file_size_limit = 1024;
  const auto finished = run_command(command);
  EXPECT_FALSE(finished.ok());
  EXPECT_EQ(finished.ending, Ending::exited);
  EXPECT_NE(finished.error.find("File too large"), std::string::npos) << finished.error;
  EXPECT_EQ(std::filesystem::file_size(folder / "big"), 1024u);
}

TEST(Subprocess, ReportsTheSignalThatEndedIt) {
  const auto finished = run_command(shell("kill -USR1 $$"));
  EXPECT_EQ(finished.ending, Ending::signalled);
  EXPECT_EQ(finished.code, SIGUSR1);
}

TEST(Subprocess, SaysWhichProgramCouldNotBeStarted) {
  try {
    run_command({.arguments = {"/nonexistent/git"}});
    FAIL() << "started a program that does not exist";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_STREQ(error.what(), "starting /nonexistent/git: No such file or directory");
  }
  auto command = shell(":");
  command.directory = "/nonexistent";
  EXPECT_THROW(run_command(command), Error);
  EXPECT_THROW(run_command({}), Error);
}

/// True when no process is left in the group.
bool group_is_gone(pid_t leader) { return ::kill(-leader, 0) != 0 && errno == ESRCH; }

TEST(Subprocess, DeadlineEndsTheWholeGroup) {
  const TemporaryDirectory folder;
  auto command = shell("echo $$ > leader; sleep 600 & sleep 600");
  command.directory = folder.path();
  command.deadline = steady_clock::now() + 2s;
  const auto finished = run_command(command);
  EXPECT_EQ(finished.ending, Ending::timed_out);
  EXPECT_EQ(finished.code, SIGTERM);
  EXPECT_TRUE(group_is_gone(std::stoi(read_file(folder / "leader"))));
}

TEST(Subprocess, KillsWhatIgnoresTheFirstSignal) {
  const TemporaryDirectory folder;
  auto command = shell("trap '' TERM; echo $$ > leader; echo ready; while :; do sleep 1; done");
  command.directory = folder.path();
  command.deadline = steady_clock::now() + 2s;
  const auto finished = run_command(command);
  EXPECT_EQ(finished.ending, Ending::timed_out);
  EXPECT_EQ(finished.code, SIGKILL);
  EXPECT_EQ(finished.output, "ready\n");
  EXPECT_TRUE(group_is_gone(std::stoi(read_file(folder / "leader"))));
}

TEST(Subprocess, LeavesNobodyBehindAfterANormalEnd) {
  const auto begun = steady_clock::now();
  const auto finished = run_command(shell("sleep 600 & echo $$"));
  EXPECT_TRUE(finished.ok());
  EXPECT_TRUE(group_is_gone(std::stoi(finished.output)));
  EXPECT_LT(steady_clock::now() - begun, 10s) << "waited for the survivor's end of the pipe";
}

TEST(Subprocess, AStopRequestEndsIt) {
  std::stop_source source;
  auto command = shell("echo started >&2; sleep 600");
  command.stop = source.get_token();
  command.on_error_line = [&](std::string_view) { source.request_stop(); };
  EXPECT_EQ(run_command(command).ending, Ending::stopped);
}

TEST(Subprocess, AStopRequestOfAnotherThreadWakesIt) {
  const TemporaryDirectory folder;
  ASSERT_EQ(::mkfifo((folder / "started").c_str(), 0600), 0);
  std::stop_source source;
  auto command = shell("echo > started; sleep 600");
  command.directory = folder.path();
  command.stop = source.get_token();
  const std::jthread stopper([&] {
    std::ifstream(folder / "started").get();  // opens when the program does
    source.request_stop();
  });
  EXPECT_EQ(run_command(command).ending, Ending::stopped);
}

TEST(Subprocess, DoesNotStartWhatIsAlreadyStopped) {
  const TemporaryDirectory folder;
  std::stop_source source;
  source.request_stop();
  auto command = shell("touch ran");
  command.directory = folder.path();
  command.stop = source.get_token();
  EXPECT_EQ(run_command(command).ending, Ending::stopped);
  EXPECT_FALSE(std::filesystem::exists(folder / "ran"));
}

TEST(Subprocess, EndsAFloodOfOutput) {
  auto command = shell("yes");
  command.output_limit = 100'000;
  const auto finished = run_command(command);
  EXPECT_EQ(finished.ending, Ending::output_too_large);
  EXPECT_LE(finished.output.size(), command.output_limit);
}

TEST(Subprocess, NoticesTooMuchOutputOfAProgramThatHasAlreadyEnded) {
  auto command = shell("echo 0123456789");
  command.output_limit = 5;
  EXPECT_EQ(run_command(command).ending, Ending::output_too_large);
  command.output_limit = 11;
  EXPECT_TRUE(run_command(command).ok());
}

TEST(Subprocess, AFloodDoesNotOutrunTheDeadline) {
  auto command = shell("yes >&2");
  command.deadline = steady_clock::now() + 100ms;
  EXPECT_EQ(run_command(command).ending, Ending::timed_out);
}

TEST(Subprocess, KeepsTheEndOfStderrFromTheStartOfALine) {
  auto command = shell("i=0; while [ $i -lt 1000 ]; do echo line $i >&2; i=$((i+1)); done");
  command.error_limit = 17;
  EXPECT_EQ(run_command(command).error, "line 999\n") << "half a line may hold half a secret";
  command.error_limit = 18;
  EXPECT_EQ(run_command(command).error, "line 998\nline 999\n");
  command.error_limit = 5;
  EXPECT_EQ(run_command(command).error, "");
}

TEST(Subprocess, PassesStderrOnLineByLine) {
  std::vector<std::string> lines;
  auto command = shell("printf 'one\\r50%%\\r100%%\\n\\ntwo\\nlast' >&2");
  command.on_error_line = [&](std::string_view line) { lines.emplace_back(line); };
  run_command(command);
  EXPECT_THAT(lines, ElementsAre("one", "50%", "100%", "two", "last"));
}

TEST(Subprocess, EndsWhenItMayNotGoOn) {
  auto command = shell("echo started; sleep 600");
  int asked = 0;
  command.may_go_on = [&] { return ++asked < 2; };
  const auto finished = run_command(command);
  EXPECT_EQ(finished.ending, Ending::stopped);
  EXPECT_EQ(finished.output, "started\n");
  EXPECT_GE(finished.took, 2s);
  EXPECT_LT(finished.took, 60s);
}

TEST(Subprocess, AThrowingListenerLeavesNoProcess) {
  pid_t leader = 0;
  auto command = shell("echo $$ >&2; sleep 600");
  command.on_error_line = [&](std::string_view bytes) {
    leader = std::stoi(std::string(bytes));
    throw Error(ErrorKind::internal, "listener");
  };
  EXPECT_THROW(run_command(command), Error);
  EXPECT_TRUE(group_is_gone(leader));
}

TEST(Subprocess, ManyThreadsRunProgramsAtOnce) {
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 10; ++round) {
          auto command = shell("cat");
          command.input = std::to_string(i * 100 + round);
          if (run_command(command).output == command.input) ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 80);
}

}  // namespace
}  // namespace refsyncd
