#include "base/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"

namespace refsyncd {
namespace {

[[noreturn]] void fail(std::string_view doing, int problem) {
  throw Error(ErrorKind::internal, fmt::format("{}: {}", doing, std::strerror(problem)));
}

/// Takes a new descriptor, above the standard three: the child's dup2 must never overwrite one it still
/// needs.
FileDescriptor owned(int fd, std::string_view doing) {
  if (fd < 0) fail(doing, errno);
  if (fd > 2) return FileDescriptor(fd);
  const FileDescriptor low(fd);
  const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (high < 0) fail(doing, errno);
  return FileDescriptor(high);
}

struct Pipe {
  FileDescriptor reader;
  FileDescriptor writer;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("creating a pipe", errno);
  FileDescriptor second(ends[1]);
  Pipe pipe{.reader = owned(ends[0], "creating a pipe"), .writer = {}};
  pipe.writer = owned(second.release(), "creating a pipe");
  return pipe;
}

/// What becomes stdin. Bytes become a file that exists in memory alone, so that nothing has to feed a pipe
/// while the child runs.
FileDescriptor input_of(const Command& command) {
  if (command.input_descriptor >= 0)
    return owned(::fcntl(command.input_descriptor, F_DUPFD_CLOEXEC, 3), "passing on a program's input");
  const std::string_view bytes = command.input;
  if (bytes.empty()) return owned(::open("/dev/null", O_RDONLY | O_CLOEXEC), "opening /dev/null");
  auto file = owned(::memfd_create("stdin", MFD_CLOEXEC), "creating a program's input");
  for (size_t done = 0; done < bytes.size();) {
    const auto count = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno != EINTR) fail("writing a program's input", errno);
    if (count > 0) done += static_cast<size_t>(count);
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) fail("writing a program's input", errno);
  return file;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));  // execve's signature
  result.push_back(nullptr);
  return result;
}

/// Everything the child needs between vfork and exec, prepared before: there, only system calls are allowed.
struct Launch {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const char* directory;
  std::array<int, 3> standard;  ///< become descriptors 0, 1 and 2
  int report;  ///< gets errno when the program cannot be started; closed by a successful exec
  rlim_t file_size_limit;
  pid_t parent;
};

void set_limit(__rlimit_resource what, rlim_t value) {
  const rlimit limit{value, value};
  ::setrlimit(what, &limit);
}

/// Marks every descriptor above the standard three to be closed by exec.
void close_others_on_exec() {
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65536));
  for (int fd = 3; fd < end; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The child's half. Returns only when the program could not be started, with errno set.
void become(const Launch& launch) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) ::_exit(127);  // the parent died before the line above
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  set_limit(RLIMIT_CORE, 0);
  if (launch.file_size_limit > 0) set_limit(RLIMIT_FSIZE, launch.file_size_limit);
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(launch.standard[static_cast<size_t>(fd)], fd) < 0) return;
  }
  close_others_on_exec();
  if (::chdir(launch.directory) != 0) return;
  reset_signals();
  if (launch.file_size_limit > 0) ::signal(SIGXFSZ, SIG_IGN);
  ::execve(launch.arguments[0], launch.arguments.data(), launch.environment.data());
}

/// Forks and starts the program. vfork, because copying the page tables of a large agent for each git costs
/// more than git itself; signals are blocked so that no handler of ours runs in the child on our memory.
[[gnu::noinline]] pid_t start(const Launch& launch) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): see above
  if (child == 0) {
    become(launch);
    const int problem = errno;
    (void)!::write(launch.report, &problem, sizeof problem);
    ::_exit(127);
  }
  const int problem = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = problem;
  return child;
}

/// What the child wrote before it gave up; 0 when it has become the program.
int reported_problem(const FileDescriptor& report) {
  int problem = 0;
  ssize_t count = 0;
  do {
    count = ::read(report.get(), &problem, sizeof problem);
  } while (count < 0 && errno == EINTR);
  return count == sizeof problem ? problem : 0;
}

}  // namespace

Launched launch(const Command& command) {
  if (command.arguments.empty()) fail("starting a program", EINVAL);
  const auto input = input_of(command);
  auto output = make_pipe();
  auto error = make_pipe();
  auto report = make_pipe();
  const Launch plan{.arguments = pointers(command.arguments),
                    .environment = pointers(command.environment),
                    .directory = command.directory.c_str(),
                    .standard = {input.get(), output.writer.get(), error.writer.get()},
                    .report = report.writer.get(),
                    .file_size_limit = command.file_size_limit,
                    .parent = ::getpid()};
  for (const auto* pipe : {&output, &error}) ::fcntl(pipe->reader.get(), F_SETFL, O_NONBLOCK);
  const pid_t child = start(plan);
  if (child < 0) fail("starting " + command.arguments[0], errno);
  report.writer.reset();
  if (const int problem = reported_problem(report.reader)) {
    ::waitpid(child, nullptr, 0);
    fail("starting " + command.arguments[0], problem);
  }
  return {child, std::move(output.reader), std::move(error.reader)};
}

}  // namespace refsyncd
