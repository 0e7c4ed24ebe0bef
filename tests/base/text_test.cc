#include "base/text.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/secret.h"

namespace refsyncd {
namespace {

struct PrintableRow {
  const char* name;
  std::string text;
  std::string expected;
};
class Printable : public testing::TestWithParam<PrintableRow> {};
TEST_P(Printable, shows) { EXPECT_EQ(printable(GetParam().text), GetParam().expected); }
INSTANTIATE_TEST_SUITE_P(
    table, Printable,
    testing::Values(PrintableRow{"empty", "", ""},
                    PrintableRow{"plain", "refs/heads/main", "refs/heads/main"},
                    PrintableRow{"two_byte_letter", "Zürich", "Zürich"},
                    PrintableRow{"three_byte_letter", "€", "€"}, PrintableRow{"four_byte_symbol", "🚀", "🚀"},
                    PrintableRow{"line_breaks_and_tabs", "a\r\nb\tc", "a  b c"},
                    PrintableRow{"escape_sequence", "\x1b[31mred", "\\x1b[31mred"},
                    PrintableRow{"zero_byte", std::string("a\0b", 3), "a\\x00b"},
                    PrintableRow{"delete", "\x7f", "\\x7f"},
                    PrintableRow{"bell_and_backspace", "\a\b", "\\x07\\x08"},
                    PrintableRow{"lone_continuation", "\x80", "\\x80"},
                    PrintableRow{"cut_sequence", "\xe2\x82", "\\xe2\\x82"},
                    PrintableRow{"sequence_cut_by_a_letter", "\xe2\x82x", "\\xe2\\x82x"},
                    PrintableRow{"overlong_slash", "\xc0\xaf", "\\xc0\\xaf"},
                    PrintableRow{"overlong_three_bytes", "\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
                    PrintableRow{"overlong_four_bytes", "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
                    PrintableRow{"surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                    PrintableRow{"past_unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
                    PrintableRow{"never_a_lead", "\xff\xfe", "\\xff\\xfe"},
                    PrintableRow{"c1_control",
                                 "\xc2\x9b"
                                 "31m",
                                 "\\xc2\\x9b31m"},
                    PrintableRow{"after_the_c1_controls", "\xc2\xa0", "\xc2\xa0"},
                    PrintableRow{"line_separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
                    PrintableRow{"right_to_left_override",
                                 "a\xe2\x80\xae"
                                 "b",
                                 "a\\xe2\\x80\\xaeb"},
                    PrintableRow{"isolate", "\xe2\x81\xa6", "\\xe2\\x81\\xa6"}),
    [](const auto& row) { return row.param.name; });

TEST(Printable, keeps_at_most_the_limit_and_marks_the_cut) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(printable("abcde€", 6), "abcde...") << "a letter is never cut in two";
  EXPECT_EQ(printable("abcd\xff\xff", 8), "abcd\\xff...") << "nor is an escape";
  EXPECT_EQ(printable("abc", 0), "...");
  EXPECT_EQ(printable("", 0), "");
}

TEST(Printable, is_safe_whatever_comes) {
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 12, '\0');
    for (auto& c : text) c = static_cast<char>(random());
    const auto safe = printable(text, 20);
    ASSERT_LE(safe.size(), 23u);
    ASSERT_EQ(printable(safe, 100), safe) << "what is printable stays as it is";
    for (const unsigned char c : safe) ASSERT_TRUE(c >= 0x20 && c != 0x7f);
  }
}

struct NearestRow {
  const char* name;
  std::string_view typed;
  std::string_view expected;
};
class Nearest : public testing::TestWithParam<NearestRow> {};
TEST_P(Nearest, is) {
  constexpr std::string_view known[] = {"branches", "tags", "url", "every", "timezone", "timeout", "x"};
  EXPECT_EQ(nearest(GetParam().typed, known), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    table, Nearest,
    testing::Values(NearestRow{"letter_missing", "branchs", "branches"},
                    NearestRow{"letter_added", "taggs", "tags"}, NearestRow{"letter_wrong", "evary", "every"},
                    NearestRow{"two_swapped_in_a_long_word", "barnches", "branches"},
                    NearestRow{"case_ignored", "URL", "url"}, NearestRow{"short_word", "ur", "url"},
                    NearestRow{"the_nearer_of_two", "timezon", "timezone"},
                    NearestRow{"too_far", "schedule", ""}, NearestRow{"half_wrong", "tabb", ""},
                    NearestRow{"nothing_typed", "", ""}, NearestRow{"all_of_one_letter_wrong", "y", ""},
                    NearestRow{"exact", "tags", "tags"}),
    [](const auto& row) { return row.param.name; });

TEST(Nearest, of_no_candidates_is_nothing) { EXPECT_EQ(nearest("tags", {}), ""); }

TEST(Nearest, of_a_huge_text_is_nothing_and_soon_found) {
  constexpr std::string_view known[] = {"branches", "tags"};
  const std::string huge(10'000'000, 'a');  // NOLINT(bugprone-string-constructor): on purpose
  EXPECT_EQ(nearest(huge, known), "");
}

TEST(Counted, is_a_number_with_its_noun) {
  EXPECT_EQ(counted(1, "policy"), "1 policy");
  EXPECT_EQ(counted(2, "policy"), "2 policies");
  EXPECT_EQ(counted(1, "sync"), "1 sync");
  EXPECT_EQ(counted(0, "sync"), "0 syncs");
}

TEST(HasControl, is_about_the_control_characters_of_ascii) {
  for (const std::string_view text : {"", "plain text", "\x80\xff", "caf\u00e9"})
    EXPECT_FALSE(has_control(text));
  for (const char c : {'\0', '\t', '\n', '\x1f', '\x7f'})
    EXPECT_TRUE(has_control(std::string("a") + c + "b"));
}

TEST(Base64, agrees_with_rfc_4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64(std::string("\xff\xfe\0", 3)), "//4A");
}

TEST(Split, gives_each_part) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(split("a", ','), Parts{"a"});
  EXPECT_EQ(split(",a,,", ','), (Parts{"", "a", "", ""}));
  EXPECT_EQ(split("", ','), Parts{});
}

TEST(Trim, takes_white_space_from_both_ends_only) {
  EXPECT_EQ(trim(" \t\r\n a b \v\f"), "a b");
  EXPECT_EQ(trim("   "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(LowerCase, changes_letters_of_ascii_alone) { EXPECT_EQ(lower_case("aZ-\xC3\x84@["), "az-\xC3\x84@["); }

TEST(StableHash, never_changes) {
  EXPECT_EQ(stable_hash(""), 0xEFD01F60BA992926u);
  EXPECT_EQ(stable_hash("app-pull"), 0xE64B0B7EED7B3C45u);
}

TEST(StableHash, spreads_similar_names_over_small_ranges) {
  std::vector<int> buckets(100);
  for (int i = 0; i < 10'000; ++i) ++buckets[stable_hash("repo-" + std::to_string(i)) % 100];
  for (const auto count : buckets) {
    EXPECT_GT(count, 60);
    EXPECT_LT(count, 150);
  }
}

TEST(ASecret, prints_as_a_placeholder_and_reveals_itself_on_request) {
  const Secret secret("hunter2");
  EXPECT_EQ(fmt::format("{} {:>10}", secret, secret), "[secret]   [secret]");
  EXPECT_EQ(secret.reveal(), "hunter2");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

}  // namespace
}  // namespace refsyncd
