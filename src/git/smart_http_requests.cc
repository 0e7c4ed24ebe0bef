#include "git/smart_http_requests.h"

#include <fmt/format.h>

#include "base/text.h"
#include "git/authorization.h"

namespace refsyncd {
namespace {

constexpr std::string_view result_type = "application/x-git-upload-pack-result";

ErrorKind kind_of_status(const HttpAnswer& answer) {
  switch (answer.status) {
    case 401:
    case 403:
    case 407: return ErrorKind::auth;
    case 404:
    case 410: return ErrorKind::not_found;
    case 413: return ErrorKind::bad_config;
    case 429: return ErrorKind::throttled;
    case 503: return answer.retry_after ? ErrorKind::throttled : ErrorKind::transient;
    default: return answer.status / 100 == 3 ? ErrorKind::bad_config : ErrorKind::transient;
  }
}

/// Without what may be secret in it: user and password, query and fragment.
std::string shown_location(std::string_view location) {
  location = location.substr(0, location.find_first_of("?#"));
  const auto scheme = location.find("://");
  if (scheme == std::string_view::npos) return printable(location, 300);
  const auto host = scheme + 3;
  const auto slash = location.find('/', host);
  const auto at = location.substr(0, slash).rfind('@');
  if (at == std::string_view::npos || at < host) return printable(location, 300);
  return printable(fmt::format("{}{}", location.substr(0, host), location.substr(at + 1)), 300);
}

std::string remedy_of(const HttpAnswer& answer) {
  if (answer.status / 100 == 3) {
    auto to = shown_location(answer.location);
    constexpr std::string_view service = "/info/refs";
    if (to.ends_with(service)) to.resize(to.size() - service.size());
    return fmt::format("the upstream redirects elsewhere{}{}; write its final URL", to.empty() ? "" : ", to ",
                       to);
  }
  if (answer.status == 413) return "the upstream refuses requests this large";
  const bool plain = answer.content_type.starts_with("text/plain");
  return plain ? printable(trim(answer.body), 200) : "";
}

/// The URL of one of a repository's services (gitprotocol-http(5)).
std::string service_url(const Upstream& upstream, std::string_view service) {
  std::string_view base = upstream.url;
  while (base.ends_with('/')) base.remove_suffix(1);
  return fmt::format("{}/{}", base, service);
}

}  // namespace

HttpSend request_to(const Upstream& upstream, const Secret& secret, std::string_view service) {
  HttpSend request;
  request.url = service_url(upstream, service);
  request.headers.emplace_back("Git-Protocol", "version=2");
  if (auto authorization = authorization_of(upstream.auth, secret); !authorization.empty()) {
    request.headers.emplace_back("Authorization", std::move(authorization));
  }
  return request;
}

HttpSend upload_pack_request(const Upstream& upstream, const Secret& secret, std::string body) {
  auto request = request_to(upstream, secret, "git-upload-pack");
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/x-git-upload-pack-request");
  request.headers.emplace_back("Accept", result_type);
  request.body = std::move(body);
  request.repeatable = true;
  return request;
}

void check_result_type(const HttpHead& head) {
  if (head.status != 200 || head.content_type.starts_with(result_type)) return;
  throw Error(ErrorKind::not_found, "what answers there is not a Git server that speaks smart HTTP");
}

Error error_of_status(const HttpAnswer& answer) {
  const auto remedy = remedy_of(answer);
  const auto kind = kind_of_status(answer);
  return {kind, fmt::format("HTTP status {}{}{}", answer.status, remedy.empty() ? "" : ": ", remedy),
          kind == ErrorKind::throttled ? answer.retry_after : std::nullopt};
}

}  // namespace refsyncd
