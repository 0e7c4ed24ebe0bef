#include "report/log_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/secret.h"
#include "report/samples.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;

TEST(log_record, a_json_line_has_the_time_first_and_each_field_under_its_name) {
  const LogRecord record{.severity = Severity::warning,
                         .event = "attempt_failed",
                         .message = "app-pull: attempt failed",
                         .fields = {{"policy", "app-pull"}, {"attempt", int64_t{2}}, {"seconds", 1.5}}};
  EXPECT_EQ(json_line(record, noon + milliseconds(7)),
            R"({"time":"2026-01-05T12:00:00.007Z","level":"warning","event":"attempt_failed",)"
            R"("message":"app-pull: attempt failed","policy":"app-pull","attempt":2,"seconds":1.5})");
}

TEST(log_record, journal_fields_have_syslog_priorities_and_our_prefix) {
  const LogRecord record{.severity = Severity::error,
                         .event = "run_failed",
                         .message = "app-pull: run failed",
                         .fields = {{"policy", "app-pull"}, {"sync_id", "s1"}, {"attempt", int64_t{2}}}};
  EXPECT_THAT(journal_fields(record),
              ElementsAre("MESSAGE=app-pull: run failed", "PRIORITY=3", "REFSYNCD_EVENT=run_failed",
                          "REFSYNCD_POLICY=app-pull", "REFSYNCD_SYNC_ID=s1", "REFSYNCD_ATTEMPT=2"));
}

struct Hostile {
  const char* name;
  std::string text;
};
class HostileText : public testing::TestWithParam<Hostile> {};

TEST_P(HostileText, is_one_json_object_on_one_line) {
  const LogRecord record{.event = "ref", .message = GetParam().text, .fields = {{"ref", GetParam().text}}};
  const auto line = json_line(record, noon);
  EXPECT_EQ(line.find_first_of(std::string("\n\r\0\x1b", 4)), std::string::npos);
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object.size(), 5u);
  EXPECT_EQ(object["level"], "info");
  EXPECT_EQ(object["event"], "ref");
}

TEST_P(HostileText, cannot_add_a_journal_field) {
  const LogRecord record{.event = "ref", .message = GetParam().text, .fields = {{"ref", GetParam().text}}};
  const auto fields = journal_fields(record);
  ASSERT_EQ(fields.size(), 4u);
  for (const auto& field : fields) EXPECT_EQ(field.find('\n'), std::string::npos) << field;
}

INSTANTIATE_TEST_SUITE_P(log_record, HostileText,
                         testing::Values(Hostile{"line_break", "refs/heads/a\nPRIORITY=0"},
                                         Hostile{"json_end", R"(refs/heads/"},"level":"error","x":{"y":")"},
                                         Hostile{"escape_sequence", "refs/heads/\x1b[2J\x1b]0;owned\x07"},
                                         Hostile{"invalid_utf8", "refs/heads/\xff\xfe\xc0\xaf"},
                                         Hostile{"cut_utf8", "refs/heads/\xe2\x82"},
                                         Hostile{"nul", std::string("refs\0heads", 10)},
                                         Hostile{"bidirectional",
                                                 "refs/heads/\xe2\x80\xae"
                                                 "gpj.exe"},
                                         Hostile{"long", std::string(100'000, 'x')}),
                         [](const auto& test) { return test.param.name; });

TEST(log_record, a_secret_prints_as_such) {
  const LogRecord record{.event = "x", .message = fmt::format("token {}", Secret("hunter2")), .fields = {}};
  EXPECT_EQ(journal_fields(record).front(), "MESSAGE=token [secret]");
}

TEST(log_record, timestamps_are_rfc_3339_in_utc) {
  EXPECT_EQ(timestamp(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(timestamp(WallTime{milliseconds(-1)}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace refsyncd
