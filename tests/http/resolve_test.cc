#include "http/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace refsyncd {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Hosts, AreTakenApart) {
  const auto parts = [](std::string_view text) {
    const auto found = split_host(text, 443);
    return found.host + " " + std::to_string(found.port);
  };
  EXPECT_EQ(parts("example.org"), "example.org 443");
  EXPECT_EQ(parts("example.org:8443"), "example.org 8443");
  EXPECT_EQ(parts("[2001:db8::1]"), "2001:db8::1 443");
  EXPECT_EQ(parts("[2001:db8::1]:80"), "2001:db8::1 80");
  EXPECT_EQ(parts("10.0.0.1:1"), "10.0.0.1 1");
}

TEST(PublicAddresses, OfALiteralAreTheLiteral) {
  EXPECT_THAT(public_addresses("8.8.8.8"), ElementsAre("8.8.8.8"));
  EXPECT_THAT(public_addresses("2606:4700::1111"), ElementsAre("2606:4700::1111"));
}

TEST(PublicAddresses, DoNotLeadIntoOurNetworkHoweverTheyAreWritten) {
  for (const auto* host : {"127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1",
                           "::ffff:127.0.0.1", "0x7f.1", "2130706433", "127.1", "0"}) {
    try {
      public_addresses(host);
      ADD_FAILURE() << host;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::untrusted) << host;
      EXPECT_THAT(error.what(), HasSubstr("which is not public")) << host;
    }
  }
}

TEST(PublicAddresses, OfTheNameOfThisMachineAreRefusedWhateverTheSystemKnowsOfIt) {
  try {
    public_addresses("localhost");
    ADD_FAILURE() << "was taken";
  } catch (const Error& error) {
    // A machine without /etc/hosts does not even know the name.
    EXPECT_THAT(error.kind(), AnyOf(ErrorKind::untrusted, ErrorKind::not_found, ErrorKind::transient));
  }
}

TEST(PublicAddresses, OfANameThatCannotExistAreAnError) {
  try {
    public_addresses("no-such-host.invalid");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("resolving no-such-host.invalid: "));
  }
}

}  // namespace
}  // namespace refsyncd
