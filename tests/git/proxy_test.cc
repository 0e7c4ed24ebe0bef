#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "git/http_remotes.h"
#include "git/wire_answers.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// An environment that names a proxy, and upstreams that only the proxy could reach.
class ProxyTest : public HttpRemotes, public testing::WithParamInterface<Speaker> {
 protected:
  ProxyTest() { ::setenv("http_proxy", proxy.url("").c_str(), 1); }
  ~ProxyTest() override { ::unsetenv("http_proxy"); }

  Failure failure_of_listing(const Upstream& upstream) {
    return failure_of([&] { remote_of(GetParam(), upstream, Secret(), {})->list({}); });
  }

  HttpUpstream refusing{[](const HttpRequest&) {
    return HttpUpstream::answer(407, "", "Proxy-Authenticate: Basic realm=\"x\"\r\n");
  }};
  HttpUpstream proxy{[](const HttpRequest&) { return HttpUpstream::answer(404, ""); }};
};

INSTANTIATE_TEST_SUITE_P(Speakers, ProxyTest, testing::Values(Speaker::git_program, Speaker::ourselves),
                         [](const auto& speaker) { return name_of(speaker.param); });

TEST_P(ProxyTest, TheProxyOfTheEnvironmentIsAsked) {
  EXPECT_EQ(failure_of_listing(upstream_at("http://nowhere.invalid/app.git")).kind, ErrorKind::not_found);
  ASSERT_THAT(proxy.requests(), Not(IsEmpty()));
  EXPECT_THAT(proxy.requests()[0].path, HasSubstr("http://nowhere.invalid/app.git/info/refs"));
}

TEST_P(ProxyTest, OneThatWantsACredentialIsNoFaultOfTheWeather) {
  ::setenv("https_proxy", refusing.url("").c_str(), 1);
  auto upstream = upstream_at("https://nowhere.invalid/app.git");
  upstream.transport = Transport::https;
  const auto failure = failure_of_listing(upstream);
  ::unsetenv("https_proxy");
  EXPECT_EQ(failure.kind, ErrorKind::auth) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("the proxy refuses"));
}

TEST_P(ProxyTest, ForAnUpstreamThatMustBePublicNoProxyIsAsked) {
  auto upstream = upstream_at("http://nowhere.invalid/app.git");
  upstream.host = "nowhere.invalid";
  upstream.public_only = true;
  EXPECT_THAT(failure_of_listing(upstream).message, HasSubstr("nowhere.invalid"));
  EXPECT_THAT(proxy.requests(), IsEmpty());
}

}  // namespace
}  // namespace refsyncd
