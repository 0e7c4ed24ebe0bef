#include "contract/signature.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

const Secret secret("whsec_test");
constexpr WallTime now{1767605400s};
constexpr std::string_view body = R"({"id":"evt_1"})";

// Computed with: printf '1767605400.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
const std::string known =
    "t=1767605400,sha256=5b39e19bcb312edc8cd05abd565e347976e43c9b047bdde18b3cf1ad80b33ab0";

TEST(Signature, is_the_hmac_of_time_and_body) { EXPECT_EQ(sign_webhook(secret, now, body), known); }

TEST(Signature, names_whole_seconds) { EXPECT_EQ(sign_webhook(secret, now + 999ms, body), known); }

struct Row {
  const char* name;
  std::string header;
  milliseconds later{};
  std::string_view sent = body;
  SignatureCheck expected = SignatureCheck::good;
};

class CheckSignature : public testing::TestWithParam<Row> {};

TEST_P(CheckSignature, says_whether_it_fits) {
  const auto& row = GetParam();
  EXPECT_EQ(check_signature(secret, row.header, now + row.later, row.sent), row.expected);
}

const std::string other_digest(64, '0');
const Row rows[] = {
    {"good", known},
    {"spaces_around_the_parts", " t=1767605400 , sha256=" + known.substr(known.find("256=") + 4)},
    {"unknown_parts_are_ignored", known + ",sha512=ff"},
    {"at_the_end_of_the_window", known, 300s},
    {"after_the_window", known, 300s + 1ms, body, SignatureCheck::too_old},
    {"at_the_start_of_the_window", known, -300s},
    {"before_the_window", known, -300s - 1ms, body, SignatureCheck::too_old},
    {"another_body", known, 0s, R"({"id":"evt_2"})", SignatureCheck::wrong},
    {"another_digest", "t=1767605400,sha256=" + other_digest, 0s, body, SignatureCheck::wrong},
    {"a_wrong_digest_does_not_say_that_it_is_old", "t=1,sha256=" + other_digest, 0s, body,
     SignatureCheck::wrong},
    {"another_time", "t=1767605401" + known.substr(12), 0s, body, SignatureCheck::wrong},
    {"empty", "", 0s, body, SignatureCheck::malformed},
    {"no_time", known.substr(13), 0s, body, SignatureCheck::malformed},
    {"no_digest", "t=1767605400", 0s, body, SignatureCheck::malformed},
    {"short_digest", "t=1767605400,sha256=abc", 0s, body, SignatureCheck::malformed},
    {"time_is_not_a_number", "t=soon,sha256=" + other_digest, 0s, body, SignatureCheck::malformed},
    {"negative_time", "t=-1,sha256=" + other_digest, 0s, body, SignatureCheck::malformed},
    {"time_too_large", "t=9999999999999999,sha256=" + other_digest, 0s, body, SignatureCheck::malformed},
};
INSTANTIATE_TEST_SUITE_P(rows, CheckSignature, testing::ValuesIn(rows),
                         [](const auto& at) { return std::string(at.param.name); });

TEST(Signature, of_another_secret_is_wrong) {
  EXPECT_EQ(check_signature(Secret("other"), known, now, body), SignatureCheck::wrong);
}

TEST(Signature, fits_no_empty_secret) {
  const auto forged = sign_webhook(Secret(), now, body);
  EXPECT_EQ(check_signature(Secret(), forged, now, body), SignatureCheck::wrong);
}

TEST(Signature, covers_bytes_that_are_no_text) {
  const std::string bytes("\0\xff\n", 3);
  EXPECT_EQ(check_signature(secret, sign_webhook(secret, now, bytes), now, bytes), SignatureCheck::good);
}

}  // namespace
}  // namespace refsyncd
