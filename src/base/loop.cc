#include "base/loop.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.h"

namespace refsyncd {
namespace {

short events_of(Loop::Readiness wanted) {
  return static_cast<short>((wanted.reading ? POLLIN : 0) | (wanted.writing ? POLLOUT : 0));
}

timespec time_until(SteadyTime deadline) {
  using std::chrono::nanoseconds;
  const auto now = std::chrono::steady_clock::now();
  const auto wait =
      deadline <= now ? nanoseconds::zero() : std::min<nanoseconds>(deadline - now, std::chrono::hours(1));
  return {.tv_sec = wait.count() / 1'000'000'000, .tv_nsec = wait.count() % 1'000'000'000};
}

}  // namespace

Loop::Loop() : wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wakeup_) throw Error(ErrorKind::internal, "creating the loop's wakeup descriptor failed");
}

void Loop::post(std::function<void()> task) {
  {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(task));
    if (posted_.size() > 1) return;  // the wakeup for the first is still pending
  }
  const uint64_t one = 1;
  [[maybe_unused]] const auto ignored = ::write(wakeup_.get(), &one, sizeof one);
}

void Loop::watch(int descriptor, std::function<void()> ready) {
  watch(descriptor, {.reading = true}, [ready = std::move(ready)](Readiness) { ready(); });
}

void Loop::watch(int descriptor, Readiness wanted, Watcher ready) {
  watched_.insert_or_assign(descriptor, Watched{wanted, std::move(ready), ++watches_});
}

void Loop::unwatch(int descriptor) { watched_.erase(descriptor); }

size_t Loop::run_once(SteadyTime deadline) {
  std::vector<pollfd> descriptors{{.fd = wakeup_.get(), .events = POLLIN, .revents = 0}};
  std::vector<uint64_t> serials{0};
  for (const auto& [descriptor, watched] : watched_) {
    descriptors.push_back({.fd = descriptor, .events = events_of(watched.wanted), .revents = 0});
    serials.push_back(watched.serial);
  }
  const auto timeout = time_until(deadline);
  if (::ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr) <= 0) return 0;

  size_t ran = descriptors[0].revents != 0 ? run_posted() : 0;
  for (size_t i = 1; i < descriptors.size(); ++i) {
    const auto& polled = descriptors[i];
    if (polled.revents == 0) continue;
    const auto found = watched_.find(polled.fd);
    if (found == watched_.end() || found->second.serial != serials[i]) continue;
    const auto ready = found->second.ready;  // a copy: it may unwatch itself
    ready({.reading = (polled.revents & ~POLLOUT) != 0, .writing = (polled.revents & ~POLLIN) != 0});
    ++ran;
  }
  return ran;
}

size_t Loop::run_posted() {
  uint64_t count = 0;
  [[maybe_unused]] const auto ignored = ::read(wakeup_.get(), &count, sizeof count);
  std::vector<std::function<void()>> tasks;
  {
    const std::scoped_lock lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
  return tasks.size();
}

}  // namespace refsyncd
