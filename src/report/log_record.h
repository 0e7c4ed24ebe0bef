#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace refsyncd {

enum class Severity { trace, debug, info, warning, error };
std::string_view to_string(Severity);

/// Text from anywhere (made printable when it is written), or a number.
using LogValue = std::variant<std::string, int64_t, double>;

/// One thing worth telling. The message alone is enough for a person; event and fields are for programs.
struct LogRecord {
  Severity severity = Severity::info;
  std::string_view event;  ///< a stable short name, "sync_finished"; a literal
  std::string message;     ///< one sentence; what comes from elsewhere is made printable when it is written
  std::vector<std::pair<std::string_view, LogValue>> fields =
      {};  ///< names are literals in snake_case, each once
};

/// Where log records go.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// False when a record of this severity would be dropped: do not bother to make one.
  virtual bool enabled(Severity severity) const = 0;
  virtual void write(const LogRecord& record) = 0;
};

/// The record as one line of JSON without the line break: time (RFC 3339, UTC), level, event, message, and
/// each field under its own name.
std::string json_line(const LogRecord& record, WallTime time);

/// The record as journal fields, "NAME=value" each: MESSAGE, PRIORITY (syslog's numbers), REFSYNCD_EVENT, and
/// each field as REFSYNCD_<NAME>. No value holds a line break.
std::vector<std::string> journal_fields(const LogRecord& record);

/// RFC 3339 in UTC with milliseconds: "2026-01-05T00:00:00.000Z".
std::string timestamp(WallTime time);

}  // namespace refsyncd
