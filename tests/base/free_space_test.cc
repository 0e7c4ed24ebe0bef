#include "base/free_space.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace refsyncd {
namespace {

constexpr uint64_t mebibyte = 1 << 20;
constexpr uint64_t gibibyte = 1024 * mebibyte;

TEST(The_free_floor, is_a_twentieth_of_the_disk_or_a_gibibyte_whichever_is_less) {
  EXPECT_EQ(free_floor({.free = 0, .total = 1000 * mebibyte}), 50 * mebibyte);
  EXPECT_EQ(free_floor({.free = 0, .total = 4096 * gibibyte}), gibibyte);
  EXPECT_EQ(free_floor({}), 0u);
}

TEST(The_space_at_a_path, is_that_of_its_file_system) {
  const auto space = space_at("/tmp");
  EXPECT_GT(space.total, 0u);
  EXPECT_LE(space.free, space.total);
  EXPECT_THROW(space_at("/nowhere/at/all"), Error);
}

}  // namespace
}  // namespace refsyncd
