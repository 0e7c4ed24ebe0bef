#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace refsyncd {

/// Has a function run somewhere else: by a pool, or on a loop's thread.
using Executor = std::function<void(std::function<void()>)>;

/// Runs blocking work (git, disk, SQL) on a fixed number of threads, first come first served. Work reports
/// back by itself (see Loop::post) and must not throw. The destructor waits for running work and drops what
/// has not begun. submit() is safe from any thread.
class WorkerPool {
 public:
  /// `name` is what its threads are called: a literal, at most 15 characters.
  explicit WorkerPool(size_t threads, const char* name = "worker");
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  void submit(std::function<void()> work);
  /// Adds threads until there are that many. Not thread-safe.
  void grow(size_t threads);

 private:
  explicit WorkerPool(const char* name) : name_(name) {}
  void work();

  const char* name_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;  // last: they use everything above
};

}  // namespace refsyncd
