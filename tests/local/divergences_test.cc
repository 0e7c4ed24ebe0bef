#include "local/divergences.h"

#include <gtest/gtest.h>

#include <string>

namespace refsyncd {
namespace {

ObjectId id(char digit) { return *ObjectId::from_hex(std::string(40, digit)); }

RefResult rejected(char held, char offered, Reason reason = Reason::non_fast_forward) {
  return {.name = "refs/heads/main",
          .before = id(held),
          .after = id(held),
          .outcome = Outcome::rejected,
          .reason = reason,
          .offered = id(offered),
          .detail = ""};
}

TEST(Divergences, know_what_a_sync_rejected_for_not_being_a_fast_forward) {
  Divergences divergences;
  divergences.learn({rejected('1', '2')});
  EXPECT_TRUE(divergences.known(id('1'), id('2')));
  EXPECT_FALSE(divergences.known(id('2'), id('1'))) << "the other way round is another question";
}

TEST(Divergences, know_nothing_from_what_was_rejected_for_other_reasons) {
  Divergences divergences;
  divergences.learn({rejected('1', '2', Reason::remote_refused), rejected('1', '3', Reason::raced)});
  EXPECT_FALSE(divergences.known(id('1'), id('2')));
  EXPECT_FALSE(divergences.known(id('1'), id('3')));
}

TEST(Divergences, forget_the_oldest_beyond_their_capacity) {
  Divergences divergences(2);
  divergences.learn({rejected('1', '2'), rejected('1', '3'), rejected('1', '2'), rejected('1', '4')});
  EXPECT_FALSE(divergences.known(id('1'), id('2')));
  EXPECT_TRUE(divergences.known(id('1'), id('3')));
  EXPECT_TRUE(divergences.known(id('1'), id('4')));
}

}  // namespace
}  // namespace refsyncd
