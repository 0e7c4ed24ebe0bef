#include "report/log_record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/handle.h"
#include "base/text.h"

namespace refsyncd {
namespace {

/// The priorities of syslog(3), which the journal uses.
int syslog_priority(Severity severity) {
  switch (severity) {
    case Severity::trace:
    case Severity::debug: return 7;
    case Severity::info: return 6;
    case Severity::warning: return 4;
    case Severity::error: return 3;
  }
  return 3;
}

std::string journal_name(std::string_view field) {
  std::string name = "REFSYNCD_";
  for (const char c : field) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string journal_value(const LogValue& value) {
  return std::visit(match{[](const std::string& text) { return printable(text); },
                          [](const auto& number) { return fmt::format("{}", number); }},
                    value);
}

nlohmann::ordered_json json_value(const LogValue& value) {
  return std::visit(match{[](const std::string& text) { return nlohmann::ordered_json(printable(text)); },
                          [](const auto& number) { return nlohmann::ordered_json(number); }},
                    value);
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::trace: return "trace";
    case Severity::debug: return "debug";
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "error";
}

std::string timestamp(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(whole)),
                     (time - whole).count());
}

std::string json_line(const LogRecord& record, WallTime time) {
  nlohmann::ordered_json line{{"time", timestamp(time)},
                              {"level", to_string(record.severity)},
                              {"event", record.event},
                              {"message", printable(record.message)}};
  for (const auto& [name, value] : record.fields) line.emplace(name, json_value(value));
  return line.dump();
}

std::vector<std::string> journal_fields(const LogRecord& record) {
  std::vector<std::string> all;
  all.reserve(3 + record.fields.size());
  all.push_back(fmt::format("MESSAGE={}", printable(record.message)));
  all.push_back(fmt::format("PRIORITY={}", syslog_priority(record.severity)));
  all.push_back(fmt::format("REFSYNCD_EVENT={}", record.event));
  for (const auto& [name, value] : record.fields) {
    all.push_back(fmt::format("{}={}", journal_name(name), journal_value(value)));
  }
  return all;
}

}  // namespace refsyncd
