#include "http/retry_after.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

constexpr WallTime now = sys_days(year(1994) / 11 / 6) + 8h + 49min;  // 37 s before RFC 9110's example

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(retry_after("120", now), 120s);
  EXPECT_EQ(retry_after(" 0 ", now), 0s);
}

TEST(RetryAfter, ReadsTheThreeFormsOfAnHttpDate) {
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 37s);
  EXPECT_EQ(retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), 37s);
  EXPECT_EQ(retry_after("Sun Nov  6 08:49:37 1994", now), 37s);
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now + 36'999ms), 1ms);
}

TEST(RetryAfter, WaitsNoTimeForADateThatIsPast) {
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:48:59 GMT", now), 0s);
}

TEST(RetryAfter, WaitsADayAtMost) {
  EXPECT_EQ(retry_after("86401", now), 24h);
  EXPECT_EQ(retry_after("99999999999999999999999999", now), 24h);
  EXPECT_EQ(retry_after("9223372036854775807", now), 24h);
  EXPECT_EQ(retry_after("Sun, 06 Nov 2094 08:49:37 GMT", now), 24h);
}

TEST(RetryAfter, TakesNothingElse) {
  for (const auto* other : {"", " ", "-5", "+5", "1.5", "5s", "soon", "5 minutes", "0x10", "Sun", "08:49",
                            "12:00:00", "Sun, 99 Nov 1994 08:49:37 GMT", "never: no"}) {
    EXPECT_EQ(retry_after(other, now), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace refsyncd
