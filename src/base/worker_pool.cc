#include "base/worker_pool.h"

#include "base/thread_name.h"

namespace refsyncd {

// Delegates, so that the destructor ends the threads that started when another one cannot be.
WorkerPool::WorkerPool(size_t threads, const char* name) : WorkerPool(name) { grow(threads); }

void WorkerPool::grow(size_t threads) {
  while (threads_.size() < threads) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  std::deque<std::function<void()>> dropped;  // destroyed without the lock: what it captured may submit
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  ready_.notify_all();
}

void WorkerPool::submit(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    queue_.push_back(std::move(work));
  }
  ready_.notify_one();
}

void WorkerPool::work() {
  name_this_thread(name_);
  for (;;) {
    std::function<void()> next;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
  }
}

}  // namespace refsyncd
