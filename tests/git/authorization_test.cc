#include "git/authorization.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {
namespace {

TEST(Authorization, OfATokenAndOfAPasswordIsBasic) {
  EXPECT_EQ(authorization_of(TokenAuth{}, Secret("t")), "Basic " + base64("x-access-token:t"));
  EXPECT_EQ(authorization_of(PasswordAuth{.username = "ada", .password = {}}, Secret("p:q")),
            "Basic " + base64("ada:p:q"));
}

TEST(Authorization, OfABearerTokenIsTheTokenAsItStands) {
  EXPECT_EQ(authorization_of(BearerAuth{}, Secret("a-b._~+/c==")), "Bearer a-b._~+/c==");
}

TEST(Authorization, WithoutASecretThereIsNone) {
  for (const auto& auth : {Auth(), Auth(TokenAuth{}), Auth(BearerAuth{}), Auth(SshAuth{})})
    EXPECT_EQ(authorization_of(auth, Secret()), "");
}

TEST(Authorization, ABearerTokenThatNoHeaderCarriesIsRefusedAndNotShown) {
  for (const auto* token : {"s3cr3t x", "s3cr3t\rX-Other: y", "s3cr3t\n", "s3cr3t\x7f", "s3cr3t\xc3\xa9"}) {
    try {
      authorization_of(BearerAuth{}, Secret(token));
      ADD_FAILURE() << token;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::auth);
      EXPECT_EQ(std::string(error.what()).find("s3cr3t"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace refsyncd
