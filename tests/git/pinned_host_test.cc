#include "git/pinned_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "git/real_git.h"

namespace refsyncd {
namespace {

Upstream named(const std::string& url, const std::string& host, Transport transport) {
  return {.url = url, .transport = transport, .host = host, .public_only = true};
}

TEST(PinnedHost, IsInLibcurlsSyntax) {
  EXPECT_EQ(pin({.host = "example.org", .port = 443}, {"8.8.8.8", "2606:4700::1111"}),
            "example.org:443:8.8.8.8,[2606:4700::1111]");
}

TEST(PinnedHost, HasTheUpstreamsPortAndAddress) {
  EXPECT_EQ(pinned_host(named("https://8.8.8.8/a", "8.8.8.8", Transport::https)), "8.8.8.8:443:8.8.8.8");
  EXPECT_EQ(pinned_host(named("http://8.8.8.8:81/a", "8.8.8.8:81", Transport::http)), "8.8.8.8:81:8.8.8.8");
}

TEST(PinnedHost, IsOnlyForUpstreamsOfTheApi) {
  auto upstream = named("https://127.0.0.1/a", "127.0.0.1", Transport::https);
  EXPECT_THROW(pinned_host(upstream), Error);
  upstream.public_only = false;
  EXPECT_EQ(pinned_host(upstream), "");
}

TEST(PinnedHost, LeavesNoOtherTransport) {
  EXPECT_THROW(pinned_host(named("/srv/git/app.git", "", Transport::file)), Error);
  EXPECT_THROW(pinned_host(named("git@example.org:a", "example.org", Transport::ssh)), Error);
}

class PublicOnlyRemote : public RealGit {};

TEST_F(PublicOnlyRemote, SpeaksToNobodyInOurNetwork) {
  const auto upstream = named("http://127.0.0.1:9/app.git", "127.0.0.1:9", Transport::http);
  try {
    make_git_program_remote(git, upstream, {}, {})->list({});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::untrusted);
    EXPECT_THAT(error.what(), testing::StartsWith("http://127.0.0.1:9/app.git: 127.0.0.1 has the address "));
  }
}

}  // namespace
}  // namespace refsyncd
