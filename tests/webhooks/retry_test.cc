#include "webhooks/retry.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* name;
  FailedTry failed;
  double roll;
  std::optional<milliseconds> wait;
};

class WaitAfter : public testing::TestWithParam<Row> {};

TEST_P(WaitAfter, is_what_the_table_says) {
  EXPECT_EQ(wait_after(GetParam().failed, GetParam().roll), GetParam().wait);
}

const Row rows[] = {
    {"the_first_failure_waits_ten_seconds", {.attempts = 1}, 0, 10s},
    {"the_die_takes_off_up_to_a_fifth", {.attempts = 1}, 1, 8s},
    {"each_failure_waits_three_times_as_long", {.attempts = 4}, 0, 270s},
    {"the_ninth_failure_waits_for_the_last_try", {.attempts = 9}, 0, 65610s},
    {"the_tenth_failure_is_the_last", {.attempts = 10}, 0, std::nullopt},
    {"a_server_error_is_tried_again", {.attempts = 1, .status = 500}, 0, 10s},
    {"so_is_a_refusal", {.attempts = 1, .status = 404}, 0, 10s},
    {"gone_is_not", {.attempts = 1, .status = 410}, 0, std::nullopt},
    {"a_wish_is_a_floor", {.attempts = 1, .status = 429, .asked = 60s}, 0, 60s},
    {"our_own_wait_holds_when_it_is_longer", {.attempts = 4, .status = 503, .asked = 60s}, 0, 270s},
    {"an_event_of_almost_a_day_is_tried_again", {.attempts = 1, .age = 24h - 1ms}, 0, 10s},
    {"an_event_of_a_day_is_not", {.attempts = 1, .age = 24h}, 0, std::nullopt},
};

INSTANTIATE_TEST_SUITE_P(webhooks, WaitAfter, testing::ValuesIn(rows),
                         [](const auto& test) { return test.param.name; });

TEST(Tries, of_one_delivery_take_about_a_day) {
  for (const double roll : {0.0, 0.5, 1.0}) {
    milliseconds all{};
    for (int attempts = 1; attempts < most_tries; ++attempts)
      all += *wait_after({.attempts = attempts}, roll);
    EXPECT_GT(all, 20h) << roll;
    EXPECT_LT(all, 28h) << roll;
  }
}

}  // namespace
}  // namespace refsyncd
