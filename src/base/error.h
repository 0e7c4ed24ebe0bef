#pragma once
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace refsyncd {

/// What an error means to whoever has to decide what happens next. Classified once, at the edge where the
/// error is understood; inside, only the kind is asked.
enum class ErrorKind {
  transient,   ///< may go away by itself: network, 5xx, timeouts, a lock somebody holds. Back off and retry.
  throttled,   ///< the other side asked for patience (429, 503 with Retry-After). Wait at least that long.
  auth,        ///< credentials missing, refused or insufficient. A person must act; retry rarely.
  not_found,   ///< the upstream repository does not exist or is hidden from us. Retry rarely.
  untrusted,   ///< TLS certificate or SSH host key not trusted, unsafe repository or objects. Retry rarely.
  bad_config,  ///< cannot work as configured. Retry rarely.
  internal,    ///< our own fault or an unclassified one. Retried like transient, logged with all we know.
};
inline constexpr ErrorKind all_error_kinds[] = {
    ErrorKind::transient, ErrorKind::throttled,  ErrorKind::auth,    ErrorKind::not_found,
    ErrorKind::untrusted, ErrorKind::bad_config, ErrorKind::internal};

/// The kind's name as it stands in logs, metrics, JSON and the store: "transient", "not_found" ...
std::string_view to_string(ErrorKind);
/// The inverse of to_string; nothing for an unknown name.
std::optional<ErrorKind> error_kind_from(std::string_view);
/// True for kinds that a retry soon may cure (transient, throttled, internal).
bool worth_retrying_soon(ErrorKind);

/// An error as a value: what a sync, a run or a record keeps of it. The message is one line, safe to print,
/// and holds no secret.
struct Failure {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::optional<std::chrono::milliseconds> retry_after = {};  ///< only with throttled: the other side's wish

  bool operator==(const Failure&) const = default;
};

/// The exception thrown throughout the project.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message,
        std::optional<std::chrono::milliseconds> retry_after = std::nullopt)
      : std::runtime_error(message), kind_(kind), retry_after_(retry_after) {}
  explicit Error(const Failure& failure) : Error(failure.kind, failure.message, failure.retry_after) {}

  ErrorKind kind() const { return kind_; }
  /// The same error with "context: " before its message.
  Error with_context(std::string_view context) const;
  Failure failure() const { return {kind_, what(), retry_after_}; }

 private:
  ErrorKind kind_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

/// Any exception as a Failure; what is not an Error counts as internal. Call inside a catch block.
Failure current_failure();

}  // namespace refsyncd
