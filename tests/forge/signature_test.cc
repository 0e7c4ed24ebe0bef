#include "forge/signature.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

const Secret secret("It's a Secret to Everybody");
constexpr std::string_view body = "Hello, World!";
// Computed with: printf 'Hello, World!' | openssl dgst -sha256 -hmac "It's a Secret to Everybody"
const std::string digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const std::string token = "It's a Secret to Everybody";

struct Row {
  const char* name;
  Forge forge;
  NoticeHeaders headers;
  bool good;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Genuine : public testing::TestWithParam<Row> {};

TEST_P(Genuine, is_who_has_the_secret) {
  const auto& row = GetParam();
  EXPECT_EQ(genuine(row.forge, secret, row.headers, body), row.good);
}

TEST_P(Genuine, is_nobody_when_the_secret_or_the_body_is_another) {
  const auto& row = GetParam();
  EXPECT_FALSE(genuine(row.forge, Secret("guessed"), row.headers, body));
  EXPECT_FALSE(genuine(row.forge, Secret(""), row.headers, body));
  if (row.forge != Forge::gitlab) {
    EXPECT_FALSE(genuine(row.forge, secret, row.headers, "Hello, world!"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Headers, Genuine,
    testing::Values(
        Row{"github", Forge::github, {{"x-hub-signature-256", "sha256=" + digest}}, true},
        Row{"github_without_prefix", Forge::github, {{"x-hub-signature-256", digest}}, false},
        Row{"github_by_the_old_header", Forge::github, {{"x-hub-signature", "sha256=" + digest}}, false},
        Row{"github_cut_short",
            Forge::github,
            {{"x-hub-signature-256", "sha256=" + digest.substr(1)}},
            false},
        Row{"github_empty", Forge::github, {{"x-hub-signature-256", "sha256="}}, false},
        Row{"github_unsigned", Forge::github, {}, false},
        Row{"gitea", Forge::gitea, {{"x-gitea-signature", digest}}, true},
        Row{"forgejo", Forge::gitea, {{"x-forgejo-signature", digest}}, true},
        Row{"gitea_with_prefix", Forge::gitea, {{"x-gitea-signature", "sha256=" + digest}}, false},
        Row{"gitea_unsigned", Forge::gitea, {}, false},
        Row{"bitbucket", Forge::bitbucket, {{"x-hub-signature", "sha256=" + digest}}, true},
        Row{"bitbucket_other_hash", Forge::bitbucket, {{"x-hub-signature", "sha1=" + digest}}, false},
        Row{"bitbucket_unsigned", Forge::bitbucket, {}, false},
        Row{"gitlab", Forge::gitlab, {{"x-gitlab-token", token}}, true},
        Row{"gitlab_longer", Forge::gitlab, {{"x-gitlab-token", token + "!"}}, false},
        Row{"gitlab_signed_instead", Forge::gitlab, {{"x-hub-signature-256", "sha256=" + digest}}, false},
        Row{"gitlab_without_token", Forge::gitlab, {}, false}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace refsyncd
