#include "mesa/answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace refsyncd {
namespace {

using nlohmann::json;

constexpr size_t longest = 500;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// "404 not_found: there is no such repository (trace 0af7)", as far as the body says so.
std::string words_of(int status, const std::string& body) {
  auto words = std::to_string(status);
  const auto value = json::parse(body, nullptr, false);
  if (!value.is_object()) return words;
  const auto error = value.find("error");
  if (error == value.end() || !error->is_object()) return words;
  const auto code = text_at(*error, "code");
  const auto message = text_at(*error, "message");
  const auto trace = text_at(*error, "trace_id");
  if (!code.empty()) words += fmt::format(" {}", printable(code, 80));
  if (!message.empty()) words += fmt::format(": {}", printable(message, longest));
  if (!trace.empty()) words += fmt::format(" (trace {})", printable(trace, 80));
  return words;
}

ErrorKind kind_of(int status, bool asks_for_patience) {
  if (status == 429 || (status == 503 && asks_for_patience)) return ErrorKind::throttled;
  if (status == 401 || status == 403) return ErrorKind::auth;
  if (status == 404) return ErrorKind::not_found;
  if (status == 408 || status >= 500) return ErrorKind::transient;
  return ErrorKind::bad_config;
}

std::string remedy(int status) {
  if (status == 401) return "; renew the credential that service.credential names";
  if (status == 403) return "; give the credential of service.credential the scopes read and write";
  if (status >= 300 && status < 400) return ", a redirect, which is not followed; correct service.url";
  return "";
}

}  // namespace

Failure classify_answer(int status, const std::string& body,
                        std::optional<std::chrono::milliseconds> retry_after) {
  const auto kind = kind_of(status, retry_after.has_value());
  return {.kind = kind,
          .message = fmt::format("the service answered {}{}", words_of(status, body), remedy(status)),
          .retry_after = kind == ErrorKind::throttled ? retry_after : std::nullopt};
}

bool may_have_acted(int status, const Failure& failure) {
  return failure.kind == ErrorKind::transient && (status == 408 || status >= 500);
}

}  // namespace refsyncd
