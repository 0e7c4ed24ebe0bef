#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace refsyncd {
namespace {

TEST(WorkerPool, does_all_work_submitted_from_many_threads) {
  constexpr int submitters = 4;
  constexpr int each = 1000;
  std::atomic<int> done = 0;
  std::latch all(std::ptrdiff_t{submitters} * each);
  WorkerPool pool(3);
  std::vector<std::jthread> submitting;
  for (int s = 0; s < submitters; ++s) {
    submitting.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        pool.submit([&] {
          ++done;
          all.count_down();
        });
      }
    });
  }
  all.wait();
  EXPECT_EQ(done, submitters * each);
}

TEST(WorkerPool, one_thread_keeps_the_order) {
  std::vector<int> order;
  std::latch all(100);
  WorkerPool pool(1);
  for (int i = 0; i < 100; ++i) {
    pool.submit([&, i] {
      order.push_back(i);
      all.count_down();
    });
  }
  all.wait();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(WorkerPool, runs_as_many_at_once_as_it_has_threads) {
  constexpr int threads = 3;
  std::latch together(threads);  // passes only when all are in it at the same time
  std::latch done(threads);
  WorkerPool pool(threads);
  for (int i = 0; i < threads; ++i) {
    pool.submit([&] {
      together.arrive_and_wait();
      done.count_down();
    });
  }
  done.wait();
}

TEST(WorkerPool, work_may_submit_work) {
  std::latch done(1);
  WorkerPool pool(1);
  pool.submit([&] { pool.submit([&] { done.count_down(); }); });
  done.wait();
}

TEST(WorkerPool, its_end_waits_for_running_work_and_drops_the_rest) {
  std::binary_semaphore running(0);
  std::binary_semaphore may_end(0);
  std::atomic<int> finished = 0;
  {
    WorkerPool pool(1);
    pool.submit([&] {
      running.release();
      may_end.acquire();
      ++finished;
    });
    running.acquire();
    std::shared_ptr<int> owned(new int, [&](int* p) {  // goes when the pool drops the queue
      delete p;
      may_end.release();
    });
    pool.submit([&finished, owned = std::move(owned)] { finished += 100; });
    for (int i = 0; i < 10; ++i) pool.submit([&] { finished += 100; });
  }
  EXPECT_EQ(finished, 1);
}

TEST(WorkerPool, what_dropped_work_owned_may_still_submit) {
  std::binary_semaphore running(0);
  std::binary_semaphore may_end(0);
  bool ran = false;
  {
    WorkerPool pool(1);
    pool.submit([&] {
      running.release();
      may_end.acquire();
    });
    running.acquire();
    std::shared_ptr<int> owned(new int, [&](int* p) {
      delete p;
      pool.submit([&] { ran = true; });
      may_end.release();
    });
    pool.submit([owned = std::move(owned)] {});
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace refsyncd
