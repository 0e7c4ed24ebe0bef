#include "base/error.h"

#include <fmt/format.h>

#include "base/text.h"

namespace refsyncd {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::transient: return "transient";
    case ErrorKind::throttled: return "throttled";
    case ErrorKind::auth: return "auth";
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::untrusted: return "untrusted";
    case ErrorKind::bad_config: return "bad_config";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

std::optional<ErrorKind> error_kind_from(std::string_view name) {
  for (const auto kind : all_error_kinds) {
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

bool worth_retrying_soon(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::transient:
    case ErrorKind::throttled:
    case ErrorKind::internal: return true;
    case ErrorKind::auth:
    case ErrorKind::not_found:
    case ErrorKind::untrusted:
    case ErrorKind::bad_config: return false;
  }
  return false;
}

Error Error::with_context(std::string_view context) const {
  return {kind_, fmt::format("{}: {}", context, what()), retry_after_};
}

Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return error.failure();
  } catch (const std::exception& error) {
    return {.kind = ErrorKind::internal, .message = printable(error.what())};
  } catch (...) {
    return {.kind = ErrorKind::internal, .message = "unknown exception"};
  }
}

}  // namespace refsyncd
