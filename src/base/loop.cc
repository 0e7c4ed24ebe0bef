#include "base/loop.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.h"

namespace refsyncd {

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

void Loop::watch(int descriptor, std::function<void()> ready) { watched_[descriptor] = std::move(ready); }

size_t Loop::run_once(SteadyTime deadline) {
  std::vector<pollfd> descriptors{{.fd = wakeup_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& [descriptor, ready] : watched_) {
    descriptors.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
  }
  using std::chrono::nanoseconds;
  const auto now = std::chrono::steady_clock::now();
  const auto wait =
      deadline <= now ? nanoseconds::zero() : std::min<nanoseconds>(deadline - now, std::chrono::hours(1));
  const timespec timeout{.tv_sec = wait.count() / 1'000'000'000, .tv_nsec = wait.count() % 1'000'000'000};
  if (::ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr) <= 0) return 0;

  size_t ran = 0;
  if (descriptors[0].revents != 0) {
    uint64_t count = 0;
    [[maybe_unused]] const auto ignored = ::read(wakeup_.get(), &count, sizeof count);
    std::vector<std::function<void()>> tasks;
    {
      const std::scoped_lock lock(mutex_);
      tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
    ran += tasks.size();
  }
  for (size_t i = 1; i < descriptors.size(); ++i) {
    if (descriptors[i].revents == 0) continue;
    watched_.at(descriptors[i].fd)();
    ++ran;
  }
  return ran;
}

}  // namespace refsyncd
