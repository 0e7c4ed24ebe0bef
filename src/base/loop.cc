#include "base/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace refsyncd {
namespace {

uint32_t events_of(Loop::Readiness wanted) {
  return (wanted.reading ? uint32_t{EPOLLIN} : 0U) | (wanted.writing ? uint32_t{EPOLLOUT} : 0U);
}

/// Rounded up: who asks to be woken is not woken too early.
int milliseconds_until(SteadyTime deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  const auto wait = std::min<std::chrono::nanoseconds>(deadline - now, std::chrono::hours(1));
  return static_cast<int>(std::chrono::ceil<milliseconds>(wait).count());
}

/// So many descriptors in one round; where more are ready, the next rounds take them up.
constexpr size_t most_in_a_round = 256;

}  // namespace

Loop::Loop() : polling_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = wakeup_.get()}};
  const bool ready =
      polling_ && wakeup_ && ::epoll_ctl(polling_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event) == 0;
  if (!ready) throw Error(ErrorKind::internal, "creating the loop's descriptors failed");
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
  epoll_event event{.events = events_of(wanted), .data = {.fd = descriptor}};
  const bool known = watched_.contains(descriptor);
  const int operation = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(polling_.get(), operation, descriptor, &event) != 0) {
    const auto problem = std::generic_category().message(errno);
    throw Error(ErrorKind::internal, "watching a descriptor failed: " + problem);
  }
  watched_.insert_or_assign(descriptor, Watched{std::move(ready), ++watches_});
}

void Loop::unwatch(int descriptor) {
  if (watched_.erase(descriptor) == 0) return;
  ::epoll_ctl(polling_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

size_t Loop::run_once(SteadyTime deadline) {
  std::array<epoll_event, most_in_a_round> events;  // NOLINT(*-member-init): the kernel fills what is read
  const int count =
      ::epoll_wait(polling_.get(), events.data(), most_in_a_round, milliseconds_until(deadline));
  if (count <= 0) return 0;
  const std::span ready(events.data(), static_cast<size_t>(count));
  const auto watches_before = watches_;
  size_t ran = 0;
  for (const auto& event : ready) {
    if (event.data.fd == wakeup_.get()) ran += run_posted();
  }
  for (const auto& event : ready) {
    const auto found = watched_.find(event.data.fd);
    if (found == watched_.end() || found->second.serial > watches_before) continue;
    const auto watcher = found->second.ready;  // a copy: it may unwatch itself
    watcher({.reading = (event.events & ~uint32_t{EPOLLOUT}) != 0,
             .writing = (event.events & ~uint32_t{EPOLLIN}) != 0});
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
