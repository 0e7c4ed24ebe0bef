#include "store/ref_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "store/samples.h"

namespace refsyncd {
namespace {

constexpr Reason all_reasons[] = {Reason::up_to_date,
                                  Reason::created,
                                  Reason::fast_forward,
                                  Reason::forced,
                                  Reason::pruned,
                                  Reason::excluded,
                                  Reason::non_fast_forward,
                                  Reason::tag_exists,
                                  Reason::directory_file_conflict,
                                  Reason::raced,
                                  Reason::remote_refused,
                                  Reason::prune_guard,
                                  Reason::not_a_commit,
                                  Reason::missing_object};

/// Every combination of outcome, reason, and which fields are there and equal.
RefResults every_shape() {
  const std::optional<ObjectId> values[] = {std::nullopt, ObjectId{}, object_id(1), object_id(2)};
  RefResults refs;
  for (const auto outcome : all_outcomes) {
    for (const auto reason : all_reasons) {
      for (const auto& before : values) {
        for (const auto& after : {ObjectId{}, object_id(1)}) {
          for (const auto& offered : values) {
            const auto number = refs.size();
            refs.push_back({fmt::format("refs/heads/{:06}", number), before, after, outcome, reason, offered,
                            number % 3 == 0 ? "détail\nwith lines" : ""});
          }
        }
      }
    }
  }
  return refs;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

void expect_round_trip(const RefResults& base, const RefResults& refs) {
  const auto delta = diff_refs(base, refs);
  ASSERT_TRUE(delta);
  EXPECT_EQ(apply_delta(base, delta->bytes), refs);
}

TEST(RefList, every_shape_of_a_result_is_read_back) {
  const auto refs = every_shape();
  ASSERT_EQ(refs.size(), 4u * 14 * 4 * 2 * 4);
  EXPECT_EQ(decode_refs(encode_refs(refs)), refs);
}

TEST(RefList, order_duplicates_and_hostile_names_are_kept) {
  const RefResults refs = {unchanged("refs/tags/z", 1),
                           unchanged("refs/heads/a\xFF\xFE", 2),
                           unchanged("", 3),
                           unchanged("refs/heads/a\xFF", 4),
                           unchanged("refs/heads/a\xFF", 5),
                           unchanged(std::string("nul\0inside", 10), 6),
                           unchanged(std::string(5000, 'x'), 7)};
  EXPECT_EQ(decode_refs(encode_refs(refs)), refs);
  EXPECT_EQ(decode_refs(encode_refs({})), RefResults{});
}

TEST(RefList, the_stored_form_is_pinned) {
  EXPECT_EQ(hex(encode_refs({unchanged("refs/a", 1), rejected("refs/b", 2, 3, "no")})),
            "02"
            "00"
            "06"
            "726566732f61"
            "3d"
            "00"
            "0000000000000000000000000000000000000001"
            "05"
            "01"
            "62"
            "5f"
            "07"
            "0000000000000000000000000000000000000002"
            "0000000000000000000000000000000000000003"
            "02"
            "6e6f");
  const RefResults base = {unchanged("a", 1), unchanged("b", 2), unchanged("c", 3), unchanged("d", 4)};
  const auto delta =
      diff_refs(base, {unchanged("a", 1), created("b", 2), unchanged("cc", 9), unchanged("d", 5)});
  EXPECT_EQ(hex(delta->bytes),
            "0001"
            "0201"
            "0101"
            "04"
            "02"
            "6363"
            "3d00"
            "0000000000000000000000000000000000000009"
            "03"
            "3d00"
            "0000000000000000000000000000000000000005");
}

TEST(RefList, the_code_of_each_reason_is_pinned) {
  const std::map<Reason, uint8_t> codes = {
      {Reason::up_to_date, 0},     {Reason::created, 1},          {Reason::fast_forward, 2},
      {Reason::forced, 3},         {Reason::pruned, 4},           {Reason::excluded, 5},
      {Reason::tag_exists, 6},     {Reason::non_fast_forward, 7}, {Reason::raced, 8},
      {Reason::remote_refused, 9}, {Reason::prune_guard, 10},     {Reason::directory_file_conflict, 11},
      {Reason::not_a_commit, 12},  {Reason::missing_object, 13}};
  ASSERT_EQ(codes.size(), std::size(all_reasons));
  for (const auto& [reason, code] : codes) {
    auto ref = unchanged("x", 1);
    ref.reason = reason;
    EXPECT_EQ(static_cast<uint8_t>(encode_refs({ref})[5]), code) << to_string(reason);
  }
}

TEST(RefList, costs_about_22_bytes_a_ref_beside_its_name) {
  EXPECT_LT(encode_refs(many_unchanged(20000)).size(), 20000u * 28);
}

TEST(ExpectedNext, updated_refs_are_unchanged_and_pruned_ones_gone) {
  auto pruned = moved("d", 4, 0);
  pruned.after = ObjectId{};
  pruned.offered.reset();
  auto without_offer = created("e", 5);
  without_offer.offered.reset();
  auto unchanged_without_offer = unchanged("e", 5);
  unchanged_without_offer.offered.reset();
  const RefResults refs = {created("a", 1), moved("b", 2, 3), rejected("c", 8, 9, "no"), pruned,
                           without_offer};
  EXPECT_EQ(expected_next(refs), (RefResults{unchanged("a", 1), unchanged("b", 3), rejected("c", 8, 9, "no"),
                                             unchanged_without_offer}));
}

TEST(RefDelta, equal_lists_have_an_empty_one) {
  const auto refs = many_unchanged(100);
  const auto delta = diff_refs(refs, refs);
  EXPECT_EQ(delta->bytes, "");
  EXPECT_EQ(delta->entries, 0u);
}

TEST(RefDelta, a_first_pull_costs_a_few_bytes_beside_its_base) {
  RefResults refs;
  for (const auto& ref : many_unchanged(20000)) refs.push_back(created(ref.name, ref.after.bytes[19] + 1));
  const auto delta = diff_refs(expected_next(refs), refs);
  EXPECT_EQ(delta->entries, 1u);
  EXPECT_LT(delta->bytes.size(), 8u);
}

TEST(RefDelta, one_moved_ref_of_20000_costs_less_than_a_hundred_bytes) {
  const auto base = many_unchanged(20000);
  auto refs = base;
  refs[12345] = moved(refs[12345].name, 12346, 7);
  const auto delta = diff_refs(base, refs);
  EXPECT_EQ(delta->entries, 1u);
  EXPECT_LT(delta->bytes.size(), 100u);
  expect_round_trip(base, refs);
}

TEST(RefDelta, lists_that_are_not_sorted_have_none) {
  const RefResults sorted = {unchanged("a", 1), unchanged("b", 2)};
  const RefResults unsorted = {unchanged("b", 2), unchanged("a", 1)};
  const RefResults twice = {unchanged("a", 1), unchanged("a", 1)};
  EXPECT_EQ(diff_refs(sorted, unsorted), std::nullopt);
  EXPECT_EQ(diff_refs(unsorted, sorted), std::nullopt);
  EXPECT_EQ(diff_refs(sorted, twice), std::nullopt);
}

TEST(RefDelta, everything_may_change_at_either_end) {
  const RefResults base = {unchanged("b", 1), unchanged("d", 2), unchanged("f", 3)};
  expect_round_trip(base, {});
  expect_round_trip({}, base);
  expect_round_trip(base, {unchanged("a", 1), unchanged("z", 2)});
  expect_round_trip(base, {unchanged("b", 1), unchanged("d", 2), unchanged("f", 3), created("g", 4)});
  expect_round_trip(base, {unchanged("d", 2)});
}

RefResult random_result(std::mt19937& dice, std::string name) {
  static const auto shapes = every_shape();
  auto ref = shapes[dice() % shapes.size()];
  ref.name = std::move(name);
  return ref;
}

/// Names from a small space, so that lists overlap; with bytes below and above ASCII.
RefResults random_list(std::mt19937& dice, const RefResults& like) {
  std::map<std::string, RefResult> refs;
  for (const auto& ref : like) {
    const auto what = dice() % 10;
    if (what == 0) continue;
    refs[ref.name] = what == 1   ? random_result(dice, ref.name)
                     : what == 2 ? created(ref.name, dice() % 5 + 1)
                                 : ref;
  }
  for (auto more = dice() % 20; more > 0; --more) {
    std::string name = "refs/";
    for (auto length = dice() % 4; length > 0; --length) name += static_cast<char>(dice() % 5 * 63);
    refs[name] = dice() % 2 ? unchanged(name, dice() % 5 + 1) : random_result(dice, name);
  }
  RefResults list;
  for (auto& [name, ref] : refs) list.push_back(ref);
  return list;
}

TEST(RefDelta, random_lists_are_read_back_from_their_difference) {
  std::mt19937 dice(1);
  RefResults base;
  for (int i = 0; i < 400; ++i) {
    const auto refs = random_list(dice, base);
    ASSERT_EQ(decode_refs(encode_refs(refs)), refs);
    expect_round_trip(base, refs);
    expect_round_trip(expected_next(refs), refs);
    base = i % 50 == 0 ? RefResults{} : expected_next(refs);
  }
}

TEST(RefList, damaged_bytes_are_refused_and_never_believed) {
  const auto good = encode_refs({unchanged("refs/a", 1), rejected("refs/b", 2, 3, "no")});
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(decode_refs(good.substr(0, length)), Error) << length;
  }
  EXPECT_THROW(decode_refs(good + '\0'), Error) << "bytes left over";
  EXPECT_THROW(decode_refs("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), Error) << "a count beyond memory";
  EXPECT_THROW(decode_refs("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), Error)
      << "a number beyond 63 bits";

  std::mt19937 dice(2);
  for (int i = 0; i < 3000; ++i) {
    auto bad = good;
    for (auto flips = dice() % 3 + 1; flips > 0; --flips)
      bad[dice() % bad.size()] = static_cast<char>(dice());
    try {
      decode_refs(bad);
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::internal);
    }
  }
}

TEST(RefDelta, one_that_does_not_fit_its_base_is_refused) {
  const auto base = many_unchanged(3);
  using std::string_literals::operator""s;
  for (const auto& [name, delta] :
       std::map<std::string, std::string>{{"keeps too many", "\x00\x04"s},
                                          {"removes too many", "\x01\x04"s},
                                          {"creates too many", "\x02\x04"s},
                                          {"replaces beyond the end", "\x01\x03\x03"s},
                                          {"unknown step", "\x05\x01"s},
                                          {"ends early", "\x04\x02x"s},
                                          {"unknown reason", "\x03\x01\xFF"s}}) {
    EXPECT_THROW(apply_delta(base, delta), Error) << name;
  }
}

}  // namespace
}  // namespace refsyncd
