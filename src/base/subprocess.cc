#include "base/subprocess.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/launch.h"

namespace refsyncd {
namespace {

using std::chrono::steady_clock;

constexpr auto grace = std::chrono::seconds(2);       // between SIGTERM and SIGKILL
constexpr auto reap_limit = std::chrono::seconds(5);  // a killed process that hangs in the kernel is given up
constexpr milliseconds question_interval = std::chrono::seconds(1);
constexpr size_t longest_line = 16 << 10;

FileDescriptor owned(int fd, std::string_view doing) {
  if (fd < 0) throw Error(ErrorKind::internal, fmt::format("{}: {}", doing, std::strerror(errno)));
  return FileDescriptor(fd);
}

int open_process(pid_t process) {
  return static_cast<int>(
      ::syscall(SYS_pidfd_open, process, 0));  // glibc 2.36 declares no C linkage for its wrapper
}

/// Orphans of a killed group become our children, so that the group can be waited for to its last member.
void adopt_orphans() {
  static const int once = ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  (void)once;
}

/// A running process group. Its end is certain: the destructor kills what is left and reaps it.
class ProcessGroup {
 public:
  explicit ProcessGroup(pid_t leader) : leader_(leader) {}
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;
  ~ProcessGroup() { finish(); }

  void signal(int number) const { ::kill(-leader_, number); }

  /// Kills and reaps every member; returns how the leader ended (as wait(2) tells it).
  int finish() {
    if (finished_) return status_;
    finished_ = true;
    signal(SIGKILL);  // before the leader is reaped: until then nobody else can have its number
    const auto limit = steady_clock::now() + reap_limit;
    for (;;) {
      int status = 0;
      const pid_t child = ::waitpid(-leader_, &status, WNOHANG);
      if (child == leader_) status_ = status;
      if (child < 0 && errno != EINTR) return status_;
      if (child == 0 && steady_clock::now() > limit) return status_;
      if (child == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  pid_t leader_;
  bool finished_ = false;
  int status_ = 0;
};

/// Collects stdout up to the limit.
class Output {
 public:
  explicit Output(const Command& command) : command_(command) {}

  void take(std::string_view bytes) {
    total_ += bytes.size();
    if (too_large()) return;
    kept_ += bytes;
  }
  bool too_large() const { return total_ > command_.output_limit; }
  std::string result() { return std::move(kept_); }

 private:
  const Command& command_;
  size_t total_ = 0;
  std::string kept_;
};

/// Keeps the end of stderr and cuts it into lines for whoever listens.
class ErrorText {
 public:
  explicit ErrorText(const Command& command) : command_(command) {}

  void take(std::string_view bytes) {
    kept_ += bytes;
    if (kept_.size() > 2 * command_.error_limit) shorten();
    if (!command_.on_error_line) return;
    for (const char c : bytes) {
      if (c == '\n' || c == '\r') {
        end_line();
      } else if (line_.size() < longest_line) {
        line_ += c;
      }
    }
  }
  std::string result() {
    end_line();
    shorten();
    return std::move(kept_);
  }

 private:
  /// Cuts at a line's end: half a line may hold half a secret, which nobody would recognise and hide.
  void shorten() {
    if (kept_.size() <= command_.error_limit) return;
    const auto line_end = kept_.find_first_of("\n\r", kept_.size() - command_.error_limit - 1);
    kept_.erase(0, line_end == std::string::npos ? line_end : line_end + 1);
  }
  void end_line() {
    if (command_.on_error_line && !line_.empty()) command_.on_error_line(line_);
    line_.clear();
  }

  const Command& command_;
  std::string kept_;
  std::string line_;
};

/// Reads what the pipe holds now; false at its end. Stops after 1 MiB, so that a flood cannot outrun the
/// deadline.
template <class Sink>
bool drain(const FileDescriptor& pipe, Sink& sink) {
  char buffer[1 << 16];
  for (int round = 0; round < 16; ++round) {
    const auto count = ::read(pipe.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    sink.take({buffer, static_cast<size_t>(count)});
  }
  return true;
}

/// One run of a program, from its start to the last byte of its output.
class Run {
 public:
  explicit Run(const Command& command)
      : command_(command), launched_(launch(command)), group_(launched_.leader) {}

  Finished finish() {
    leader_ = owned(open_process(launched_.leader), "watching a program");
    const std::stop_callback wake(command_.stop, [this] { ::eventfd_write(stopped_.get(), 1); });
    while (!leader_ended()) check_limits();
    const int status = group_.finish();
    drain(launched_.output, output_);
    drain(launched_.error, error_);
    if (output_.too_large()) end(Ending::output_too_large);
    const bool signalled = WIFSIGNALED(status);
    return {.ending = ended_.value_or(signalled ? Ending::signalled : Ending::exited),
            .code = signalled ? WTERMSIG(status) : WEXITSTATUS(status),
            .output = output_.result(),
            .error = error_.result(),
            .took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun_)};
  }

 private:
  /// Waits for something to happen and takes what was written.
  bool leader_ended();
  void check_limits();
  bool may_go_on();
  void end(Ending why);
  int wait_milliseconds() const;

  const Command& command_;
  SteadyTime begun_ = steady_clock::now();
  FileDescriptor stopped_ = owned(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "creating an event");
  Output output_{command_};
  ErrorText error_{command_};
  std::optional<Ending> ended_;  ///< set when we, not the program, decided to end it
  SteadyTime kill_at_ = SteadyTime::max();
  SteadyTime asked_ = begun_;  ///< when Command::may_go_on was asked
  Launched launched_;
  ProcessGroup group_;
  FileDescriptor leader_;
};

int Run::wait_milliseconds() const {
  const auto until = ended_ ? kill_at_ : command_.deadline;
  const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
  const milliseconds longest = command_.may_go_on ? question_interval : std::chrono::minutes(1);
  return static_cast<int>(std::clamp(left, milliseconds{}, longest).count());
}

bool Run::leader_ended() {
  // A negative descriptor is ignored by poll: pipes at their end, and the stop event once it has been heard.
  std::array<pollfd, 4> watched{pollfd{leader_.get(), POLLIN, 0}, pollfd{launched_.output.get(), POLLIN, 0},
                                pollfd{launched_.error.get(), POLLIN, 0},
                                pollfd{ended_ ? -1 : stopped_.get(), POLLIN, 0}};
  if (::poll(watched.data(), watched.size(), wait_milliseconds()) < 0) return false;
  if (watched[1].revents != 0 && !drain(launched_.output, output_)) launched_.output.reset();
  if (watched[2].revents != 0 && !drain(launched_.error, error_)) launched_.error.reset();
  return watched[0].revents != 0;
}

void Run::check_limits() {
  if (output_.too_large()) end(Ending::output_too_large);
  if (command_.stop.stop_requested() || !may_go_on()) end(Ending::stopped);
  if (steady_clock::now() >= command_.deadline) end(Ending::timed_out);
  if (steady_clock::now() < kill_at_) return;
  group_.signal(SIGKILL);
  kill_at_ = SteadyTime::max();
}

bool Run::may_go_on() {
  const auto now = steady_clock::now();
  if (!command_.may_go_on || ended_ || now - asked_ < question_interval) return true;
  asked_ = now;
  return command_.may_go_on();
}

void Run::end(Ending why) {
  if (ended_) return;
  ended_ = why;
  group_.signal(SIGTERM);
  kill_at_ = steady_clock::now() + grace;
}

}  // namespace

Finished run_command(const Command& command) {
  if (command.stop.stop_requested()) return {.ending = Ending::stopped};
  adopt_orphans();
  return Run(command).finish();
}

}  // namespace refsyncd
