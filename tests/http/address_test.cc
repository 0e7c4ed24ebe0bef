#include "http/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <string>

namespace refsyncd {
namespace {

TEST(PublicAddress, KnowsTheSpecialRangesOfIpv4ToTheirEdges) {
  for (const auto* special :
       {"0.0.0.0",         "0.255.255.255",  "10.0.0.0",        "10.255.255.255",  "100.64.0.0",
        "100.127.255.255", "127.0.0.1",      "127.255.255.255", "169.254.0.0",     "169.254.169.254",
        "172.16.0.0",      "172.31.255.255", "192.0.0.0",       "192.0.0.255",     "192.0.2.0",
        "192.0.2.255",     "192.88.99.1",    "192.168.0.0",     "192.168.255.255", "198.18.0.0",
        "198.19.255.255",  "198.51.100.7",   "203.0.113.255",   "224.0.0.1",       "239.255.255.255",
        "240.0.0.0",       "255.255.255.255"}) {
    EXPECT_FALSE(is_public_address(special)) << special;
  }
  for (const auto* open :
       {"1.0.0.0",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0",       "169.253.255.255", "169.255.0.0",    "172.15.255.255",
        "172.32.0.0",      "191.255.255.255", "192.0.1.0",       "192.0.3.0",      "192.88.98.255",
        "192.88.100.0",    "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
        "198.51.99.255",   "203.0.114.0",     "223.255.255.255", "8.8.8.8"}) {
    EXPECT_TRUE(is_public_address(open)) << open;
  }
}

TEST(PublicAddress, KnowsTheSpecialRangesOfIpv6ToTheirEdges) {
  for (const auto* special : {"::",           "::1",
                              "64:ff9b:1::1", "100::1",
                              "100:0:0:1::",  "1fff:ffff::",
                              "2001::1",      "2001:1ff:ffff::1",
                              "2001:2::1",    "2001:20::1",
                              "2001:db8::",   "2001:db8:ffff::1",
                              "3fff::1",      "3fff:fff:ffff::1",
                              "4000::",       "5f00::1",
                              "fc00::1",      "fd12:3456::1",
                              "fe80::1",      "febf::1",
                              "fec0::1",      "ff02::1",
                              "ffff::1"}) {
    EXPECT_FALSE(is_public_address(special)) << special;
  }
  for (const auto* open : {"2000::1", "2001:200::", "2001:db7:ffff::1", "2001:db9::1", "2003::1",
                           "2606:4700::1111", "2620:4f:8000::1", "3ffe:ffff::1", "3fff:1000::1"}) {
    EXPECT_TRUE(is_public_address(open)) << open;
  }
}

TEST(PublicAddress, SeesThroughIpv6ThatWrapsIpv4) {
  for (const auto* special :
       {"::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::192.168.0.1",
        "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::1"}) {
    EXPECT_FALSE(is_public_address(special)) << special;
  }
  for (const auto* open : {"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    EXPECT_TRUE(is_public_address(open)) << open;
  }
  EXPECT_FALSE(is_public_address("::8.8.8.8")) << "IPv4-compatible addresses were given up";
  EXPECT_FALSE(is_public_address("2001:0:808:808::f7f7:f7f7")) << "Teredo";
}

TEST(PublicAddress, TakesBracketsAroundIpv6Only) {
  EXPECT_TRUE(is_public_address("[2606:4700::1111]"));
  EXPECT_FALSE(is_public_address("[::1]"));
  EXPECT_FALSE(is_public_address("[8.8.8.8]"));
}

TEST(PublicAddress, TakesWhatIsNoAddressForNotPublic) {
  for (const auto* other : {"", "[]", "[", "example.com", "8.8.8", "0x08080808", "134744072", "8.8.8.8 ",
                            "08.8.8.8", "8.8.8.8.8", "2606:4700::1111%eth0", "[2606:4700::1111"}) {
    EXPECT_FALSE(is_public_address(other)) << other;
  }
  EXPECT_FALSE(is_public_address(std::string("8.8.8.8\0.evil", 13)));
}

TEST(PublicAddress, ReadsSocketAddresses) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(0x08080808);
  EXPECT_TRUE(is_public_address(reinterpret_cast<const sockaddr&>(four)));
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(four)));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(six)));
  six.sin6_addr.s6_addr[0] = 0x26;
  EXPECT_TRUE(is_public_address(reinterpret_cast<const sockaddr&>(six)));
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(local)));
}

}  // namespace
}  // namespace refsyncd
