#include "base/size.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

struct Row {
  const char* name;
  std::string_view text;
  std::optional<uint64_t> expected;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class Sizes : public testing::TestWithParam<Row> {};
TEST_P(Sizes, are_read) { EXPECT_EQ(parse_size(GetParam().text), GetParam().expected); }

constexpr uint64_t one = 1;

INSTANTIATE_TEST_SUITE_P(
    table, Sizes,
    testing::Values(Row{"bytes", "10B", 10}, Row{"kibibytes", "3KiB", 3 << 10},
                    Row{"mebibytes", "512MiB", 512 << 20}, Row{"gibibytes", "2GiB", 2 * (one << 30)},
                    Row{"tebibytes", "1TiB", one << 40}, Row{"zero", "0MiB", 0},
                    Row{"the_largest", "8388608TiB", one << 63}, Row{"past_the_largest", "8388609TiB", {}},
                    Row{"more_than_a_number_holds", "99999999999999999999B", {}}, Row{"no_unit", "10", {}},
                    Row{"no_number", "GiB", {}}, Row{"nothing", "", {}}, Row{"a_power_of_ten", "2GB", {}},
                    Row{"small_letters", "2gib", {}}, Row{"a_fraction", "1.5GiB", {}},
                    Row{"a_blank", "2 GiB", {}}, Row{"negative", "-1GiB", {}},
                    Row{"two_units", "1GiB1MiB", {}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Size, IsWrittenInTheLargestUnitThatIsExact) {
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(10'000), "10000B");
  EXPECT_EQ(format_size(1536 << 20), "1536MiB");
  EXPECT_EQ(format_size(one << 31), "2GiB");
  EXPECT_EQ(format_size(one << 63), "8388608TiB");
}

}  // namespace
}  // namespace refsyncd
