#include "agent/signals.h"

#include <sys/signalfd.h>

#include <csignal>

#include "base/error.h"

namespace refsyncd {

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  descriptor_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor_) throw Error(ErrorKind::internal, "signalfd failed");
}

void Signals::watch(Loop& loop, std::function<void()> stop, std::function<void()> reload) {
  loop.watch(descriptor_.get(), [this, stop = std::move(stop), reload = std::move(reload)] {
    signalfd_siginfo info{};
    while (::read(descriptor_.get(), &info, sizeof info) == sizeof info) {
      info.ssi_signo == SIGHUP ? reload() : stop();
    }
  });
}

}  // namespace refsyncd
