#include "config/fixed_settings.h"

#include <gtest/gtest.h>

#include "parse.h"

namespace refsyncd {
namespace {

const std::string none = "policies: []\n";

/// What an agent that was started with one text says of another.
std::string refused(const std::string& started_with, const std::string& read) {
  auto problems = changed_fixed_settings(parse(started_with).service, parse(read));
  return problems.empty() ? "" : ConfigError("c.yaml", std::move(problems)).what();
}

std::string cannot_change(const std::string& place, const std::string& key) {
  return "c.yaml:" + place + ": service." + key +
         " cannot change while the agent runs; restart it to use this file";
}

std::string mesa(const std::string& keys) {
  return none + "service:\n  kind: mesa\n  credential: {file: /token}\n" + keys;
}

TEST(AFixedSetting, is_refused_where_it_stands) {
  const std::string before = none + "service: {data_dir: /srv/a, org: one}\n";
  EXPECT_EQ(refused(before, before), "");
  EXPECT_EQ(refused(before, none + "service: {data_dir: /srv/b, org: one}\n"),
            cannot_change("2:21", "data_dir"));
  EXPECT_EQ(refused(before, none + "service: {data_dir: /srv/b, org: two}\n"),
            cannot_change("2:21", "data_dir") + "\n" + cannot_change("2:34", "org"));
}

TEST(AFixedSetting, that_went_back_to_its_default_is_refused_where_it_would_stand) {
  const std::string before = none + "service: {org: one}\n";
  EXPECT_EQ(refused(before, none + "service: {drain: 1s}\n"), cannot_change("2:10", "org"));
  EXPECT_EQ(refused(before, none),
            "c.yaml: service.org cannot change while the agent runs; restart it to use this file");
}

TEST(AFixedSetting, is_which_service_syncs_and_how_it_is_reached) {
  EXPECT_EQ(refused(none, mesa("")), cannot_change("3:9", "kind"));
  EXPECT_EQ(refused(mesa(""), mesa("  url: https://h.example/v1\n  manage_upstream: true\n")),
            cannot_change("5:8", "url") + "\n" + cannot_change("6:20", "manage_upstream"));
  EXPECT_EQ(refused(mesa(""), mesa("  webhook_secret: {file: /s}\n")),
            cannot_change("5:19", "webhook_secret"));
}

TEST(OtherSettings, may_change) {
  EXPECT_EQ(refused(none, none + "service: {concurrency: 3, per_host: 1, drain: 1s, retention: 1d}\n"), "");
  EXPECT_EQ(refused(none, none + "http: {listen: 'off'}\n"), "");
}

}  // namespace
}  // namespace refsyncd
