#include "http/web_address.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

TEST(A_web_address, is_taken_apart) {
  const auto address = parse_web_address("HTTPS://Hooks.Example.org:8443/a?key=x#y");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->scheme, "https");
  EXPECT_EQ(address->host, "hooks.example.org");
  EXPECT_FALSE(address->credentials);
  EXPECT_FALSE(address->plainly_private());
}

TEST(A_web_address, shows_that_it_names_a_user) {
  EXPECT_TRUE(parse_web_address("https://me@example.org/")->credentials);
  EXPECT_TRUE(parse_web_address("https://me:pw@example.org/")->credentials);
}

TEST(A_web_address, is_absolute_and_of_the_web) {
  for (const auto* text : {"", "/hook", "example.org/hook", "ftp://example.org", "file:///etc/passwd",
                           "https://", "https://exa mple.org/", "http://example.org:99999/", "http://[::1"}) {
    EXPECT_FALSE(parse_web_address(text)) << text;
  }
}

class PrivateAddress : public testing::TestWithParam<const char*> {};

TEST_P(PrivateAddress, is_seen_in_whatever_spelling) {
  const auto address = parse_web_address(GetParam());
  ASSERT_TRUE(address);
  EXPECT_TRUE(address->plainly_private()) << address->host;
}

INSTANTIATE_TEST_SUITE_P(web_address, PrivateAddress,
                         testing::Values("http://127.0.0.1/", "http://127.1:80/", "http://0x7f000001/",
                                         "http://2130706433/", "http://0177.0.0.1/", "http://10.1.2.3/",
                                         "http://192.168.1.1/", "http://169.254.169.254/latest",
                                         "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fd00::1]/",
                                         "http://[fe80::1%25eth0]/", "http://0.0.0.0/", "http://localhost/",
                                         "http://LOCALHOST./", "http://app.localhost:8080/",
                                         "http://%6cocalhost/"));

TEST(A_web_address, that_is_public_or_a_name_is_not_plainly_private) {
  for (const auto* text : {"http://93.184.216.34/", "https://[2606:2800:220:1::1]/", "https://intranet/hook",
                           "https://localhost.example.org/"}) {
    EXPECT_FALSE(parse_web_address(text)->plainly_private()) << text;
  }
}

}  // namespace
}  // namespace refsyncd
