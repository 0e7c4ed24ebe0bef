#include "config/upstream_url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "config/expand.h"

namespace refsyncd {
namespace {

constexpr std::string_view letters_digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr auto none = std::string_view::npos;

bool only(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return letters_digits.find(c) != none || more.find(c) != none; });
}

void require_ascii(std::string_view text) {
  for (const unsigned char c : text) {
    if (c == ' ') throw UrlError("the URL holds a space; write %20");
    if (c < 0x20 || c == 0x7F) throw UrlError("the URL holds a control character; remove it");
    if (c > 0x7F) throw UrlError("the URL holds characters outside ASCII; write them percent-encoded");
  }
}

/// The path with %XX replaced; refuses what would be a control character.
std::string decode(std::string_view path) {
  std::string decoded;
  for (size_t at = 0; at < path.size(); ++at) {
    if (path[at] != '%') {
      decoded += path[at];
      continue;
    }
    unsigned byte = 0;
    const auto digits = path.substr(at + 1, 2);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (problem != std::errc{} || end != digits.data() + 2)
      throw UrlError("'%' in the URL is not followed by two hexadecimal digits; write %25");
    if (byte < 0x20 || byte == 0x7F)
      throw UrlError("the URL holds a percent-encoded control character; remove it");
    decoded += static_cast<char>(byte);
    at += 2;
  }
  return decoded;
}

/// What a path means to most servers, however it is spelled.
std::string repository_of(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  return std::string(path);
}

void check_path(std::string_view decoded) {
  if (repository_of(decoded).empty())
    throw UrlError("the URL names no repository; write its path after the host");
  for (const auto segment : split(decoded, '/')) {
    if (segment == "." || segment == "..")
      throw UrlError("the URL's path holds '.' or '..'; write it without them");
    if (segment.starts_with('-'))
      throw UrlError("a part of the URL's path begins with '-', which programs take for an option");
  }
}

struct Authority {
  std::string user;
  std::string host;  ///< lower case; an IPv6 address in brackets
  std::string port;  ///< "" = the default
};

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_loopback(const std::string& host) {
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24) == 127;
  return host == "localhost" || host == "[::1]";
}

void check_host(std::string_view host) {
  if (host.empty()) throw UrlError("the URL has no host");
  if (host.starts_with('[')) {
    if (host.size() < 2 || !is_ipv6(host.substr(1, host.size() - 2)))
      throw UrlError("the URL's host is no IPv6 address; write [2001:db8::1]");
    return;
  }
  const auto wrong = [](std::string_view label) {
    return label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
           !only(label, "-_");
  };
  const auto labels = split(host, '.');
  if (host.size() > 253 || std::any_of(labels.begin(), labels.end(), wrong)) {
    throw UrlError("the URL's host is no host name; write a name such as git.example.com");
  }
}

void check_port(std::string_view port) {
  int number = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (problem != std::errc{} || end != port.data() + port.size() || number < 1 || number > 65535) {
    throw UrlError("the URL's port is no number from 1 to 65535");
  }
}

Authority parse_authority(std::string_view text) {
  Authority authority;
  if (const auto at = text.rfind('@'); at != none) {
    authority.user = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  const auto host_end = text.starts_with('[') ? text.find(']') + 1 : std::min(text.find(':'), text.size());
  authority.host = lower_case(text.substr(0, host_end));
  check_host(authority.host);
  text.remove_prefix(host_end);
  if (text.empty()) return authority;
  authority.port = text.substr(1);
  if (text.front() != ':')
    throw UrlError("the URL's host is no host name; write a name such as git.example.com");
  check_port(authority.port);
  return authority;
}

void check_ssh_user(std::string_view user) {
  if (user.find(':') != none)
    throw UrlError("a password cannot stand in the URL; ssh uses a key: write auth: {ssh_key: {file: PATH}}");
  if (user.empty() || user.front() == '-' || user.front() == '.' || !only(user, "._-")) {
    throw UrlError("the URL's user name may hold letters, digits, '.', '_' and '-' only");
  }
}

std::string join_host(const std::string& host, const std::string& port) {
  return port.empty() ? host : fmt::format("{}:{}", host, port);
}

UpstreamUrl from_network_url(Transport transport, std::string_view rest) {
  require_ascii(rest);
  if (rest.find('?') != none || rest.find('#') != none)
    throw UrlError("the URL holds '?' or '#'; a repository's URL has neither");
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto authority_text = rest.substr(0, slash);
  const bool http = transport != Transport::ssh;
  if (http && authority_text.find('@') != none) {
    throw UrlError(
        "a user name or password cannot stand in the URL; write it under 'auth', as a secret: auth: {token: "
        "{file: PATH}}");
  }
  const auto authority = parse_authority(authority_text);
  if (authority_text.find('@') != none) check_ssh_user(authority.user);
  const auto path = rest.substr(slash);
  if (!only(path, "-._~%!$&'()*+,;=:@/"))
    throw UrlError("the URL's path holds a character that must be percent-encoded");
  const auto decoded = decode(path);
  check_path(decoded);

  const std::string_view default_port = transport == Transport::https  ? "443"
                                        : transport == Transport::http ? "80"
                                                                       : "22";
  const auto port = authority.port == default_port ? "" : authority.port;
  return {.url = fmt::format("{}://{}", to_string(transport), rest),
          .transport = transport,
          .host = join_host(authority.host, authority.port),
          .identity = fmt::format("{}/{}", join_host(authority.host, port), repository_of(decoded)),
          .loopback = is_loopback(authority.host)};
}

/// [user@]host:path, as ssh users write it.
UpstreamUrl from_scp_address(std::string_view text, size_t colon) {
  require_ascii(text);
  const auto authority = parse_authority(text.substr(0, colon));
  if (text.substr(0, colon).find('@') != none) check_ssh_user(authority.user);
  const auto path = text.substr(colon + 1);
  if (path.find('\\') != none) throw UrlError("the path holds '\\'; write '/' between folders");
  check_path(path);
  return {.url = std::string(text),
          .transport = Transport::ssh,
          .host = authority.host,
          .identity = fmt::format("{}/{}", authority.host, repository_of(path)),
          .loopback = is_loopback(authority.host)};
}

UpstreamUrl from_path(std::string_view text, const std::filesystem::path& folder) {
  if (holds_control(text)) throw UrlError("the path holds a control character; remove it");
  const auto path = absolute_path(folder, text);
  if (path == "/") throw UrlError("the path is the root folder; write the path of a Git repository");
  return {.url = path, .transport = Transport::file, .host = {}, .identity = path, .loopback = true};
}

UpstreamUrl from_file_url(std::string_view rest) {
  if (rest.starts_with("localhost/")) rest.remove_prefix(std::string_view("localhost").size());
  if (!rest.starts_with('/'))
    throw UrlError("a file URL has three slashes and an absolute path; write file:///srv/git/app.git");
  return from_path(decode(rest), "/");
}

[[noreturn]] void refuse_scheme(const std::string& scheme) {
  if (scheme == "git")
    throw UrlError(
        "git:// is neither encrypted nor authenticated and not supported; write https:// or ssh://");
  if (scheme == "git+ssh" || scheme == "ssh+git") throw UrlError("write ssh:// as the URL's scheme");
  throw UrlError(
      fmt::format("the scheme '{}' is not supported; write https, http, ssh or file", printable(scheme, 30)));
}

UpstreamUrl from_url(const std::string& scheme, std::string_view rest) {
  if (scheme == "https") return from_network_url(Transport::https, rest);
  if (scheme == "http") return from_network_url(Transport::http, rest);
  if (scheme == "ssh") return from_network_url(Transport::ssh, rest);
  if (scheme == "file") return from_file_url(rest);
  refuse_scheme(scheme);
}

/// Where the colon of an scp-like address stands: before any slash, and after an address in brackets.
std::optional<size_t> scp_colon(std::string_view text) {
  const auto bracket = text.find('[');
  const auto from = bracket == none ? 0 : std::min(text.find(']'), text.size());
  const auto colon = text.find(':', from);
  if (colon == none || text.substr(0, colon).find('/') != none) return std::nullopt;
  return colon;
}

bool is_path(std::string_view text) {
  return text == "." || text == ".." || text.starts_with('/') || text.starts_with("./") ||
         text.starts_with("../");
}

}  // namespace

UpstreamUrl parse_upstream_url(std::string_view text, const std::filesystem::path& folder) {
  if (trim(text) != text) throw UrlError("the URL has white space around it; remove it");
  if (text.empty())
    throw UrlError("the URL is empty; write one such as https://git.example.com/team/app.git");
  if (text.starts_with('-')) throw UrlError("the URL begins with '-', which programs take for an option");
  if (is_path(text)) return from_path(text, folder);
  if (text.starts_with('~')) throw UrlError("'~' is not expanded; write ${HOME} instead");
  if (const auto helper = text.find("::"); helper != none && only(text.substr(0, helper), "+.-_")) {
    throw UrlError(
        "remote helpers ('name::address') are not supported; write an https, http, ssh or file URL");
  }
  const auto scheme_end = text.find("://");
  if (scheme_end != none && only(text.substr(0, scheme_end), "+.-")) {
    return from_url(lower_case(text.substr(0, scheme_end)), text.substr(scheme_end + 3));
  }
  if (const auto colon = scp_colon(text)) return from_scp_address(text, *colon);
  throw UrlError(
      "this is neither a URL nor a path; write https://HOST/PATH, git@HOST:PATH, or ./PATH for a folder "
      "beside this file");
}

}  // namespace refsyncd
