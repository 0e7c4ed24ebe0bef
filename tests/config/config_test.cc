#include "config/config.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

TEST(ParseConfig, ReadsTheSmallestFile) {
  const auto config = parse_config("policies: []\n", "/etc/refsyncd/config.yaml", {});
  EXPECT_TRUE(config.policies.empty());
}

}  // namespace
}  // namespace refsyncd
