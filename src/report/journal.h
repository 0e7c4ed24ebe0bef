#pragma once
#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace refsyncd {

/// True when the descriptor is the stream systemd says it connected to the journal: `stream` is the value of
/// JOURNAL_STREAM, "<device>:<inode>" (systemd.exec(5)). A process whose stderr was redirected is not fooled
/// by an inherited variable.
bool is_journal_stream(std::string_view stream, int descriptor);

/// True when systemd-journald's socket is there: without it, what is sent is lost without an error.
bool journal_reachable();

/// Journal fields as one text: one a line, for no value holds a line break.
std::string join_fields(const std::vector<std::string>& fields);

/// Sends messages that hold joined journal fields to systemd-journald. What the journal does not take goes to
/// stderr, its MESSAGE alone.
class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
};

}  // namespace refsyncd
