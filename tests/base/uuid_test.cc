#include "base/uuid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <regex>
#include <set>
#include <thread>
#include <vector>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

// Later than any other test's time: within a process, ids never go backwards.
const WallTime base = std::chrono::sys_days{std::chrono::year{2040} / 1 / 1};

int64_t milliseconds_of(const std::string& uuid) {
  return std::stoll(uuid.substr(0, 8) + uuid.substr(9, 4), nullptr, 16);
}

TEST(Uuid, is_a_version_7_of_rfc_9562_in_lower_case) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (int i = 0; i < 1000; ++i) {
    const auto uuid = new_uuid(base + i * 1ms);
    ASSERT_TRUE(std::regex_match(uuid, form)) << uuid;
  }
}

TEST(Uuid, begins_with_the_time) {
  const auto time = base + 1h;
  EXPECT_EQ(milliseconds_of(new_uuid(time)), time.time_since_epoch().count());
}

TEST(Uuid, sorts_by_call_within_a_millisecond_and_never_repeats) {
  const auto time = base + 2h;
  std::vector<std::string> uuids;
  for (int i = 0; i < 20'000; ++i) uuids.push_back(new_uuid(time));  // more than the counter holds
  EXPECT_TRUE(std::is_sorted(uuids.begin(), uuids.end()));
  EXPECT_EQ(std::set(uuids.begin(), uuids.end()).size(), uuids.size());
  EXPECT_LE(milliseconds_of(uuids.back()), time.time_since_epoch().count() + 10);
}

TEST(Uuid, keeps_sorting_when_the_clock_goes_back) {
  const auto before = new_uuid(base + 3h);
  const auto after = new_uuid(base + 2h);
  EXPECT_LT(before, after);
  EXPECT_LT(after, new_uuid(base + 4h));
}

TEST(Uuid, from_many_threads_never_repeats) {
  constexpr size_t each = 5000;
  std::vector<std::vector<std::string>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : made) {
      threads.emplace_back([&mine] {
        for (size_t i = 0; i < each; ++i) mine.push_back(new_uuid(base + 5h));
      });
    }
  }
  std::set<std::string> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), made.size() * each);
}

TEST(Uuid, differs_in_its_random_part) {
  std::set<std::string> tails;
  for (int i = 0; i < 1000; ++i) tails.insert(new_uuid(base + 6h).substr(19));
  EXPECT_EQ(tails.size(), 1000u);
}

TEST(The_time_of_a_uuid, is_read_back_to_the_millisecond_and_from_nothing_else) {
  const WallTime then{std::chrono::sys_days{std::chrono::year{2050} / 2 / 3} +
                      std::chrono::milliseconds(12'345)};
  const auto uuid = new_uuid(then);
  EXPECT_EQ(time_of_uuid(uuid), then);
  EXPECT_EQ(time_of_uuid(uuid + ".2/heads/main"), then);
  for (const char* text :
       {"", "by-hand", "123e4567-e89b-42d3-a456-426614174000", "xxxxxxxx-xxxx-7xxx-xxxx-xxxxxxxxxxxx"}) {
    EXPECT_FALSE(time_of_uuid(text)) << text;
  }
}

}  // namespace
}  // namespace refsyncd
