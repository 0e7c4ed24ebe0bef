#include "http/url.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

struct DecodeRow {
  const char* name;
  std::string text;
  std::optional<std::string> expected;
};
void PrintTo(const DecodeRow& row, std::ostream* out) { *out << row.name; }
class PercentDecode : public testing::TestWithParam<DecodeRow> {};

TEST_P(PercentDecode, GivesTheBytesOrNothing) {
  EXPECT_EQ(percent_decode(GetParam().text), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, PercentDecode,
    testing::Values(DecodeRow{"empty", "", ""}, DecodeRow{"plain", "/metrics", "/metrics"},
                    DecodeRow{"both_cases", "%2f%2F", "//"},
                    DecodeRow{"zero_byte", "a%00b", std::string("a\0b", 3)},
                    DecodeRow{"high_byte", "%ff", "\xff"}, DecodeRow{"decoded_once", "%2541", "%41"},
                    DecodeRow{"plus_stays", "a+b", "a+b"}, DecodeRow{"cut_short", "a%4", std::nullopt},
                    DecodeRow{"lone_percent", "%", std::nullopt}, DecodeRow{"not_hex", "%g0", std::nullopt},
                    DecodeRow{"half_hex", "%4g", std::nullopt}, DecodeRow{"signed", "%+1", std::nullopt},
                    DecodeRow{"negative", "%-1", std::nullopt}),
    [](const auto& row) { return row.param.name; });

TEST(PercentEncode, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("release/1 &=?#%+"), "release%2F1%20%26%3D%3F%23%25%2B");
}

TEST(PercentEncode, IsUndoneByDecodeForEveryByte) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  EXPECT_EQ(percent_decode(percent_encode(every)), every);
}

}  // namespace
}  // namespace refsyncd
