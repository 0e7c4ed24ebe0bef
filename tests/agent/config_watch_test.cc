#include "agent/config_watch.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

class AConfigWatch : public testing::Test {
 protected:
  AConfigWatch() { write_file(file_, "one"); }
  bool look() {
    clock_.advance(2s);
    return watch().changed(clock_.steady());
  }
  ConfigWatch& watch() {
    if (!watch_) watch_.emplace(file_);
    return *watch_;
  }

  TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_ / "config.yaml";
  ManualClock clock_;
  std::optional<ConfigWatch> watch_;
};

TEST_F(AConfigWatch, tells_of_a_change_once_and_only_after_it_has_come_to_rest) {
  EXPECT_FALSE(look());
  write_file(file_, "two");
  EXPECT_FALSE(look()) << "it may still be half written";
  EXPECT_TRUE(look());
  EXPECT_FALSE(look());
}

TEST_F(AConfigWatch, waits_while_the_file_keeps_changing) {
  watch();
  for (const char* text : {"a", "bb", "ccc"}) {
    write_file(file_, text);
    EXPECT_FALSE(look());
  }
  EXPECT_TRUE(look());
}

TEST_F(AConfigWatch, does_not_look_more_often_than_every_two_seconds) {
  watch();
  EXPECT_FALSE(look());
  write_file(file_, "two");
  EXPECT_FALSE(watch().changed(clock_.steady() + 1s));
  EXPECT_FALSE(look());
  EXPECT_TRUE(look());
}

TEST_F(AConfigWatch, ignores_a_file_that_is_gone_for_a_moment_and_follows_links_that_are_switched) {
  const auto link = folder_ / "link.yaml";
  std::filesystem::create_symlink(file_, link);
  watch_.emplace(link);
  std::filesystem::remove(link);
  EXPECT_FALSE(look());
  EXPECT_FALSE(look());
  write_file(folder_ / "other.yaml", "other");
  std::filesystem::create_symlink(folder_ / "other.yaml", link);
  EXPECT_FALSE(look());
  EXPECT_TRUE(look());
}

}  // namespace
}  // namespace refsyncd
