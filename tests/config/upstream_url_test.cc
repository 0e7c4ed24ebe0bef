#include "config/upstream_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace refsyncd {
namespace {

struct Good {
  const char* name;
  std::string text;
  std::string url;
  Transport transport;
  std::string host;
  std::string identity;
};
void PrintTo(const Good& row, std::ostream* out) { *out << row.name; }
class GoodUrl : public testing::TestWithParam<Good> {};

TEST_P(GoodUrl, IsTakenApart) {
  const auto& row = GetParam();
  const auto url = parse_upstream_url(row.text, "/etc/refsyncd");
  EXPECT_EQ(url.url, row.url);
  EXPECT_EQ(url.transport, row.transport);
  EXPECT_EQ(url.host, row.host);
  EXPECT_EQ(url.identity, row.identity);
}

INSTANTIATE_TEST_SUITE_P(
    Url, GoodUrl,
    testing::Values(
        Good{"https", "https://github.com/acme/app.git", "https://github.com/acme/app.git", Transport::https,
             "github.com", "github.com/acme/app"},
        Good{"capitals", "HTTPS://GitHub.com/Acme/App", "https://GitHub.com/Acme/App", Transport::https,
             "github.com", "github.com/Acme/App"},
        Good{"default_port", "https://h:443/a/", "https://h:443/a/", Transport::https, "h:443", "h/a"},
        Good{"other_port", "http://h:8080/a", "http://h:8080/a", Transport::http, "h:8080", "h:8080/a"},
        Good{"ipv6", "http://[2001:DB8::1]:80/a", "http://[2001:DB8::1]:80/a", Transport::http,
             "[2001:db8::1]:80", "[2001:db8::1]/a"},
        Good{"percent", "https://h/a%20b", "https://h/a%20b", Transport::https, "h", "h/a b"},
        Good{"ssh", "ssh://git@h:2222/a.git", "ssh://git@h:2222/a.git", Transport::ssh, "h:2222", "h:2222/a"},
        Good{"ssh_home", "ssh://h/~me/a", "ssh://h/~me/a", Transport::ssh, "h", "h/~me/a"},
        Good{"scp", "git@GitHub.com:acme/app.git", "git@GitHub.com:acme/app.git", Transport::ssh,
             "github.com", "github.com/acme/app"},
        Good{"scp_without_user", "h:a", "h:a", Transport::ssh, "h", "h/a"},
        Good{"scp_ipv6", "git@[::1]:a", "git@[::1]:a", Transport::ssh, "[::1]", "[::1]/a"},
        Good{"file_url", "file:///srv/a%20b.git", "/srv/a b.git", Transport::file, "", "/srv/a b.git"},
        Good{"file_url_localhost", "file://localhost/srv/a", "/srv/a", Transport::file, "", "/srv/a"},
        Good{"absolute_path", "/srv//git/./a.git/", "/srv/git/a.git", Transport::file, "", "/srv/git/a.git"},
        Good{"path_with_colon", "/srv/a:b", "/srv/a:b", Transport::file, "", "/srv/a:b"},
        Good{"relative_path", "../mirrors/a.git", "/etc/mirrors/a.git", Transport::file, "",
             "/etc/mirrors/a.git"},
        Good{"parent_folder", "..", "/etc", Transport::file, "", "/etc"},
        Good{"this_folder", ".", "/etc/refsyncd", Transport::file, "", "/etc/refsyncd"}),
    [](const auto& row) { return std::string(row.param.name); });

struct Bad {
  const char* name;
  std::string text;
  std::string problem;
};
void PrintTo(const Bad& row, std::ostream* out) { *out << row.name; }
class BadUrl : public testing::TestWithParam<Bad> {};

TEST_P(BadUrl, IsRefusedWithARemedy) {
  try {
    parse_upstream_url(GetParam().text, "/etc/refsyncd");
    FAIL() << "accepted";
  } catch (const UrlError& error) {
    EXPECT_EQ(std::string(error.what()), GetParam().problem);
  }
}

const std::string option = "the URL begins with '-', which programs take for an option";
const std::string part_option = "a part of the URL's path begins with '-', which programs take for an option";
const std::string helper =
    "remote helpers ('name::address') are not supported; write an https, http, ssh or file URL";
const std::string no_host = "the URL's host is no host name; write a name such as git.example.com";
const std::string control = "the URL holds a control character; remove it";
const std::string encoded_control = "the URL holds a percent-encoded control character; remove it";
const std::string userinfo =
    "a user name or password cannot stand in the URL; write it under 'auth', as a secret: auth: {token: "
    "{file: PATH}}";
const std::string not_ascii = "the URL holds characters outside ASCII; write them percent-encoded";
const std::string port = "the URL's port is no number from 1 to 65535";
const std::string dots = "the URL's path holds '.' or '..'; write it without them";
const std::string neither =
    "this is neither a URL nor a path; write https://HOST/PATH, git@HOST:PATH, or ./PATH for a folder beside "
    "this file";

INSTANTIATE_TEST_SUITE_P(
    Url, BadUrl,
    testing::Values(
        Bad{"upload_pack", "--upload-pack=touch PWN;git-upload-pack", option},
        Bad{"config_option", "-cfoo=bar", option}, Bad{"abbreviated_option", "--upl=touch", option},
        Bad{"leading_space", " --upload-pack=x", "the URL has white space around it; remove it"},
        Bad{"trailing_newline", "https://h/a\n", "the URL has white space around it; remove it"},
        Bad{"ext", "ext::sh -c touch% PWN", helper}, Bad{"fd", "fd::17/x", helper},
        Bad{"evil_helper", "evil::x", helper}, Bad{"helper_with_url", "ext::https://h/a", helper},
        Bad{"ssh_option_host", "ssh://-oProxyCommand=touch${IFS}PWN/x", no_host},
        Bad{"ssh_option_host_encoded", "ssh://%2doProxyCommand=x/x", no_host},
        Bad{"scp_option_host", "git@-oProxyCommand=x:a", no_host},
        Bad{"ssh_option_user", "ssh://-l@h/a",
            "the URL's user name may hold letters, digits, '.', '_' and '-' only"},
        Bad{"scp_option_path", "git@h:-x", part_option},
        Bad{"encoded_option_path", "https://h/%2dx", part_option},
        Bad{"newline_in_host", "https://h\nx/a", control}, Bad{"tab_in_path", "https://h/a\tb", control},
        Bad{"escape_in_path", "https://h/a\x1b[0m", control},
        Bad{"nul", std::string("https://h/a\0b", 13), control},
        Bad{"encoded_newline", "https://h/a%0ab", encoded_control},
        Bad{"encoded_return", "https://h/%0D", encoded_control},
        Bad{"encoded_nul", "https://h/a%00", encoded_control},
        Bad{"encoded_newline_in_host", "https://h%0a/a", no_host},
        Bad{"line_separator", "https://h/a\xE2\x80\xA8", not_ascii},
        Bad{"umlaut_host",
            "https://b\xC3\xBC"
            "cher.example/a",
            not_ascii},
        Bad{"space", "https://h/a b", "the URL holds a space; write %20"},
        Bad{"broken_percent", "https://h/a%2",
            "'%' in the URL is not followed by two hexadecimal digits; write %25"},
        Bad{"not_hexadecimal", "https://h/a%zz",
            "'%' in the URL is not followed by two hexadecimal digits; write %25"},
        Bad{"signed_hexadecimal", "https://h/a%-1",
            "'%' in the URL is not followed by two hexadecimal digits; write %25"},
        Bad{"password", "https://u:p@h/a", userinfo}, Bad{"token_as_user", "https://ghp_x@h/a", userinfo},
        Bad{"host_after_at", "https://good.example@evil.example/a", userinfo},
        Bad{"ssh_password", "ssh://u:p@h/a",
            "a password cannot stand in the URL; ssh uses a key: write auth: {ssh_key: {file: PATH}}"},
        Bad{"empty_ssh_user", "ssh://@h/a",
            "the URL's user name may hold letters, digits, '.', '_' and '-' only"},
        Bad{"no_path", "https://h", "the URL names no repository; write its path after the host"},
        Bad{"root_path", "https://h/", "the URL names no repository; write its path after the host"},
        Bad{"scp_no_path", "git@h:", "the URL names no repository; write its path after the host"},
        Bad{"no_host", "https:///a", "the URL has no host"}, Bad{"empty_label", "https://a..b/c", no_host},
        Bad{"label_ends_in_dash", "https://a-/c", no_host},
        Bad{"long_label", "https://" + std::string(64, 'a') + "/c", no_host},
        Bad{"bad_ipv6", "https://[::g]/a", "the URL's host is no IPv6 address; write [2001:db8::1]"},
        Bad{"port_zero", "https://h:0/a", port}, Bad{"port_too_big", "https://h:65536/a", port},
        Bad{"port_word", "https://h:ssh/a", port}, Bad{"empty_port", "https://h:/a", port},
        Bad{"after_ipv6", "https://[::1]x/a", no_host},
        Bad{"query", "https://h/a?x=y", "the URL holds '?' or '#'; a repository's URL has neither"},
        Bad{"fragment", "https://h/a#b", "the URL holds '?' or '#'; a repository's URL has neither"},
        Bad{"dots", "https://h/a/../b", dots}, Bad{"encoded_dots", "https://h/a/%2e%2e/b", dots},
        Bad{"encoded_slash", "https://h/a/..%2fb", dots},
        Bad{"backslash", "https://h/a\\b", "the URL's path holds a character that must be percent-encoded"},
        Bad{"scp_backslash", "C:\\repos\\app", "the path holds '\\'; write '/' between folders"},
        Bad{"git_protocol", "git://h/a",
            "git:// is neither encrypted nor authenticated and not supported; write https:// or ssh://"},
        Bad{"git_ssh", "git+ssh://h/a", "write ssh:// as the URL's scheme"},
        Bad{"ftp", "ftp://h/a", "the scheme 'ftp' is not supported; write https, http, ssh or file"},
        Bad{"file_with_host", "file://server/a",
            "a file URL has three slashes and an absolute path; write file:///srv/git/app.git"},
        Bad{"file_root", "file:///", "the path is the root folder; write the path of a Git repository"},
        Bad{"file_encoded_newline", "file:///a%0ab", encoded_control},
        Bad{"path_with_escape", "/srv/\x1b", "the path holds a control character; remove it"},
        Bad{"path_right_to_left", "/srv/\xE2\x80\xAEgpj", "the path holds a control character; remove it"},
        Bad{"home", "~/app", "'~' is not expanded; write ${HOME} instead"},
        Bad{"scheme_forgotten", "github.com/acme/app", neither}, Bad{"bare_word", "app", neither},
        Bad{"empty", "", "the URL is empty; write one such as https://git.example.com/team/app.git"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(UpstreamUrl, KnowsThisMachine) {
  for (const auto* text :
       {"http://localhost/a", "http://127.0.0.1:80/a", "http://127.9.9.9/a", "http://[::1]/a", "/srv/a"}) {
    EXPECT_TRUE(parse_upstream_url(text, "/").loopback) << text;
  }
  for (const auto* text :
       {"http://localhost.example/a", "http://128.0.0.1/a", "http://127.example.com/a", "http://[::2]/a"}) {
    EXPECT_FALSE(parse_upstream_url(text, "/").loopback) << text;
  }
}

}  // namespace
}  // namespace refsyncd
