#include "report/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <cstdio>
#include <vector>

#include "base/text.h"

namespace refsyncd {
namespace {

constexpr std::string_view identifier = "SYSLOG_IDENTIFIER=refsyncd";

iovec part(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

}  // namespace

bool is_journal_stream(std::string_view stream, int descriptor) {
  struct stat status {};
  if (stream.empty() || ::fstat(descriptor, &status) != 0) return false;
  return stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

bool journal_reachable() { return ::access("/run/systemd/journal/socket", W_OK) == 0; }

std::string join_fields(const std::vector<std::string>& fields) {
  return fmt::format("{}", fmt::join(fields, "\n"));
}

void JournalSink::sink_it_(const spdlog::details::log_msg& message) {
  const std::string_view payload(message.payload.data(), message.payload.size());
  const auto fields = split(payload, '\n');
  std::vector<iovec> parts{part(identifier)};
  for (const auto field : fields) parts.push_back(part(field));
  if (::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) >= 0 || fields.empty()) return;
  const auto text = fields.front().substr(fields.front().find('=') + 1);
  fmt::print(stderr, "{}\n", text);
}

}  // namespace refsyncd
