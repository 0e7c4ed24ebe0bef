#include "contract/organization.h"

#include <gtest/gtest.h>

#include <regex>

namespace refsyncd {
namespace {

TEST(Organization, HasAnIdThatIsAUuidAndStaysTheSame) {
  const auto local = organization_of("local");
  EXPECT_TRUE(std::regex_match(local.id,
                               std::regex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}")))
      << local.id;
  EXPECT_EQ(local, organization_of("local"));
  EXPECT_NE(local.id, organization_of("other").id);
  EXPECT_EQ(local.slug, "local");
}

}  // namespace
}  // namespace refsyncd
