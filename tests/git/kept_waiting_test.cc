#include "git/kept_waiting.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace refsyncd {
namespace {

class Being_kept_waiting : public testing::Test {
 protected:
  std::vector<bool> told;
  std::function<void(bool)> tell = [this](bool waits) { told.push_back(waits); };
  std::optional<KeptWaiting> waiting = std::optional<KeptWaiting>(std::in_place, tell);
};

TEST_F(Being_kept_waiting, is_told_once_however_long_it_takes) {
  for (int second = 0; second < 5; ++second) waiting->look();
  EXPECT_EQ(told, (std::vector{true}));
  waiting.reset();
  EXPECT_EQ(told, (std::vector{true, false}));
}

TEST_F(Being_kept_waiting, is_not_told_while_something_is_heard) {
  for (int second = 0; second < 5; ++second) {
    waiting->heard();
    waiting->look();
  }
  waiting.reset();
  EXPECT_TRUE(told.empty());
}

TEST_F(Being_kept_waiting, ends_with_the_first_word_and_may_begin_again) {
  waiting->look();
  waiting->heard();
  EXPECT_EQ(told, (std::vector{true, false}));
  waiting->look();
  waiting->look();
  EXPECT_EQ(told, (std::vector{true, false, true}));
}

TEST_F(Being_kept_waiting, may_interest_nobody) {
  const std::function<void(bool)> nobody;
  KeptWaiting unheard(nobody);
  unheard.look();
}

}  // namespace
}  // namespace refsyncd
