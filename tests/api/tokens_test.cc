#include "api/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;

class Tokens : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    const auto path = folder_ / name;
    write_file(path, content);
    return path.string();
  }
  /// The name of who sends the header, or "401".
  std::string who(const std::string& header) {
    try {
      return tokens.authenticate({.headers = {{"authorization", header}}}).key_name;
    } catch (const ApiError& error) {
      return std::to_string(error.status());
    }
  }

  TemporaryDirectory folder_;
  std::vector<std::string> problems;
  ApiTokens tokens{[this](const std::string& token, const std::string& problem) {
    problems.push_back(token + ": " + problem);
  }};
};

TEST_F(Tokens, SayWhoACallerIsAndWhatItMay) {
  tokens.configure({{.name = "ci", .file = file("ci", "s3cret\n"), .scopes = {.read = true}},
                    {.name = "ops", .file = file("ops", "other"), .scopes = {.write = true}}});
  const auto caller = tokens.authenticate({.headers = {{"authorization", "Bearer other"}}});
  EXPECT_EQ(caller.key_name, "ops");
  EXPECT_EQ(caller.scopes, (ApiScopes{.write = true}));
  EXPECT_EQ(who("bearer   s3cret"), "ci") << "the scheme's case does not matter";
}

TEST_F(Tokens, LetNobodyElseIn) {
  tokens.configure({{.name = "ci", .file = file("ci", "s3cret")}});
  for (const auto* header : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crett", "Bearer S3CRET",
                             "Basic s3cret", "s3cret", "Bearer s3cret x"}) {
    EXPECT_EQ(who(header), "401") << header;
  }
  EXPECT_THROW(tokens.authenticate({}), ApiError);
}

TEST_F(Tokens, AreReadAgainWhenTheirFileChanges) {
  tokens.configure({{.name = "ci", .file = file("ci", "old")}});
  EXPECT_EQ(who("Bearer old"), "ci");
  file("ci", "new");
  EXPECT_EQ(who("Bearer old"), "401");
  EXPECT_EQ(who("Bearer new"), "ci");
}

TEST_F(Tokens, ThatCannotBeReadMatchNothingAndAreToldOnce) {
  tokens.configure({{.name = "ci", .file = (folder_ / "missing").string()},
                    {.name = "empty", .file = file("empty", "\n")}});
  EXPECT_EQ(who("Bearer x"), "401");
  EXPECT_EQ(who("Bearer "), "401");
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems[0], HasSubstr("ci: "));
  file("missing", "x");
  EXPECT_EQ(who("Bearer x"), "ci") << "a file that appears later is used";
}

TEST_F(Tokens, SayWhatToDoWhileThereAreNone) {
  tokens.configure({});
  try {
    tokens.authenticate({.headers = {{"authorization", "Bearer x"}}});
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 401);
    EXPECT_THAT(error.what(), HasSubstr("api: {tokens:"));
    EXPECT_THAT(error.what(), HasSubstr("Unix socket"));
  }
}

}  // namespace
}  // namespace refsyncd
