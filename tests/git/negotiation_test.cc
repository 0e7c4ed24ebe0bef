#include "git/negotiation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "git/native_upstream.h"

namespace refsyncd {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// Repositories with long histories; the upstream's folder serves as the one that is offered.
class NegotiationTest : public NativeUpstream {
 protected:
  /// All haves of one round after the other, until the negotiation gives up.
  static std::vector<std::vector<ObjectId>> rounds_of(Negotiation& negotiation) {
    std::vector<std::vector<ObjectId>> rounds;
    do {
      rounds.push_back(negotiation.next_round());
    } while (!negotiation.exhausted());
    return rounds;
  }
  std::vector<RefValue> held() const { return read_refs(upstream); }
};

TEST_F(NegotiationTest, AnEmptyRepositoryHasNothingToOffer) {
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, {}, {});
  EXPECT_THAT(negotiation.next_round(), IsEmpty());
  EXPECT_TRUE(negotiation.exhausted());
}

TEST_F(NegotiationTest, TheFirstRoundIsTheRefsThoseThatMoveBeforeTheRest) {
  const auto history = grow("refs/heads/other", 3, "x");
  set_ref(upstream, "refs/heads/moving", history[0]);
  set_ref(upstream, "refs/heads/main", history[1]);
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, held(), std::vector<std::string>{"refs/heads/moving", "refs/heads/new"});
  EXPECT_THAT(negotiation.next_round(), ElementsAre(history[1], history[0], history[2]));
  EXPECT_FALSE(negotiation.exhausted()) << "history is left";
}

TEST_F(NegotiationTest, EachObjectIsOfferedOnce) {
  const auto history = grow("refs/heads/main", 1, "x");
  for (const auto* name : {"refs/heads/a", "refs/heads/b", "refs/tags/t"})
    set_ref(upstream, name, history[0]);
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, held(), {});
  EXPECT_THAT(negotiation.next_round(), ElementsAre(history[0]));
  EXPECT_THAT(negotiation.next_round(), IsEmpty());
  EXPECT_TRUE(negotiation.exhausted());
}

TEST_F(NegotiationTest, LaterRoundsWalkHistoryFromNewToOld) {
  const auto history = grow("refs/heads/main", 60, "x");
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, held(), {});
  EXPECT_THAT(negotiation.next_round(), ElementsAre(history.back()));
  const auto second = negotiation.next_round();
  std::vector<ObjectId> older(history.rbegin() + 1, history.rend());
  EXPECT_EQ(second, older);
  EXPECT_TRUE(negotiation.exhausted());
}

TEST_F(NegotiationTest, WhatIsCommonIsRepeatedInEveryRound) {
  const auto history = grow("refs/heads/main", 400, "x");
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, held(), {});
  negotiation.next_round();
  const auto offered = negotiation.next_round();
  negotiation.common(std::vector{offered[7], offered[3], offered[7]});
  for (int round = 0; round < 2; ++round) {
    const auto haves = negotiation.next_round();
    ASSERT_GE(haves.size(), 2U);
    EXPECT_EQ(haves[0], offered[7]);
    EXPECT_EQ(haves[1], offered[3]);
    EXPECT_THAT(std::vector(haves.begin() + 2, haves.end()), Not(Contains(history.back())))
        << "offered before";
  }
}

TEST_F(NegotiationTest, AServerThatKnowsWhatItWasNeverToldOfIsRefused) {
  const auto history = grow("refs/heads/main", 3, "x");
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, held(), {});
  negotiation.next_round();
  EXPECT_NO_THROW(negotiation.common(std::vector{history[2]}));
  EXPECT_THROW(negotiation.common(std::vector{history[0]}), Error);
}

TEST_F(NegotiationTest, RoundsGrowAndStepsToo) {
  const auto history = grow("refs/heads/main", 1500, "x");
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, held(), {});
  const auto rounds = rounds_of(negotiation);
  EXPECT_LE(rounds.size(), 6U);
  size_t offered = 0;
  for (const auto& round : rounds) offered += round.size();
  EXPECT_LT(offered, 500U) << "old history is offered in steps";
  EXPECT_GT(offered, 200U);
  const auto& last = rounds.back();
  EXPECT_LT(std::find(history.begin(), history.end(), last.back()) - history.begin(), 16)
      << "it reaches back to the beginning";
}

TEST_F(NegotiationTest, MoreRefsThanARoundHoldsAreOfferedBeforeHistory) {
  const auto history = grow("refs/heads/x", 200, "x");
  std::vector<RefValue> refs;
  for (size_t i = 0; i < 100; ++i) refs.push_back({fmt::format("refs/tags/v{:03}", i), history[2 * i + 1]});
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, refs, {});
  const auto first = negotiation.next_round();
  EXPECT_THAT(first, SizeIs(64));
  EXPECT_EQ(first.front(), history[199]) << "the last name is the newest";
  const auto second = negotiation.next_round();
  ASSERT_GT(second.size(), 36U);
  EXPECT_EQ(second[35], history[1]);
  EXPECT_EQ(second[36], history[198]) << "then history";
}

TEST_F(NegotiationTest, AnAnnotatedTagIsOfferedItself) {
  const auto one = grow("refs/heads/main", 1, "x").back();
  plain_git(upstream, {"tag", "-a", "-m", "x", "v1", one.hex()});
  const auto tag = *ObjectReader(upstream).value_of("refs/tags/v1");
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader, std::vector<RefValue>{{"refs/tags/v1", tag}}, {});
  EXPECT_THAT(negotiation.next_round(), ElementsAre(tag));
  EXPECT_THAT(negotiation.next_round(), ElementsAre(one)) << "its history";
}

TEST_F(NegotiationTest, WhatARefNamesAndIsMissingIsNotOffered) {
  const auto one = grow("refs/heads/main", 1, "x").back();
  const auto missing = *ObjectId::from_hex(std::string(40, '1'));
  const ObjectReader reader(upstream);
  Negotiation negotiation(reader,
                          std::vector<RefValue>{{"refs/heads/lost", missing}, {"refs/heads/main", one}},
                          std::vector<std::string>{"refs/heads/lost"});
  EXPECT_THAT(negotiation.next_round(), ElementsAre(one));
}

}  // namespace
}  // namespace refsyncd
