#include "local/known_answers.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

SyncRequest asking(const std::string& repo, const std::string& policy) {
  SyncRequest request;
  request.repo = repo;
  request.policy = policy;
  return request;
}

KnownAnswers::Answer answer(size_t refs) {
  return {.digest = "d", .stamp = "s", .results = std::make_shared<const RefResults>(refs)};
}

class KnownAnswersTest : public testing::Test {
 protected:
  KnownAnswers known{2, 10};
  SyncRequest request = asking("app", "app-pull");
  Repo repo{.name = "app", .path = "/app.git", .upstream = Upstream{.url = "https://example.org/app"}};
};

TEST_F(KnownAnswersTest, AreOfTheVeryQuestion) {
  known.keep(request, repo, answer(5));
  ASSERT_TRUE(known.find(request, repo));
  auto other = request;
  other.force = true;
  EXPECT_FALSE(known.find(other, repo));
  auto moved = repo;
  moved.upstream->url = "https://example.org/elsewhere";
  EXPECT_FALSE(known.find(request, moved));
}

TEST_F(KnownAnswersTest, OfFewRefsAreNotWorthKeeping) {
  known.keep(request, repo, answer(1));
  EXPECT_FALSE(known.find(request, repo));
}

TEST_F(KnownAnswersTest, GiveWayToLaterOnes) {
  known.keep(request, repo, answer(5));
  known.keep(request, repo, answer(1));
  EXPECT_FALSE(known.find(request, repo)) << "what was known no longer holds";
}

TEST_F(KnownAnswersTest, AreForgottenLongestUnusedFirst) {
  const auto first = asking("app", "first");
  const auto second = asking("app", "second");
  const auto third = asking("app", "third");
  known.keep(first, repo, answer(5));
  known.keep(second, repo, answer(5));
  known.find(first, repo);
  known.keep(third, repo, answer(4));
  EXPECT_TRUE(known.find(first, repo));
  EXPECT_FALSE(known.find(second, repo));
  EXPECT_TRUE(known.find(third, repo));
}

TEST_F(KnownAnswersTest, ThatAreTooLongForAllTheRoomPushNobodyOut) {
  known.keep(request, repo, answer(5));
  known.keep(asking("app", "huge"), repo, answer(11));
  EXPECT_TRUE(known.find(request, repo));
}

}  // namespace
}  // namespace refsyncd
