#pragma once
#include <cstdio>
#include <memory>
#include <mutex>

#include "report/log_record.h"

namespace spdlog {
class async_logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace refsyncd {

/// How the log looks. `automatic` is the journal's native fields when stderr is the journal's stream, else
/// text.
enum class LogForm { automatic, text, json, journal };

struct LogSettings {
  Severity level = Severity::info;
  LogForm form = LogForm::automatic;
  /// Where text and JSON go; not owned, must outlive the log. Text is coloured when it is a terminal.
  std::FILE* out = stderr;
};

/// The process's log. write() is safe from any thread and never waits for whoever reads the log: a thread of
/// its own does the writing, from a queue of `capacity` records. When that is full the oldest are lost, and a
/// warning says how many. The destructor writes out what is queued.
class Log final : public LogSink {
 public:
  static constexpr size_t capacity = 1024;

  /// The clock outlives the log.
  Log(const LogSettings& settings, const Clock& clock);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() override;

  bool enabled(Severity severity) const override;
  void write(const LogRecord& record) override;
  void set_level(Severity level);

 private:
  void enqueue(const LogRecord& record);
  /// Tells of lost records, once, as soon as there is room.
  void tell_lost(size_t room);
  std::string rendered(const LogRecord& record, WallTime time) const;

  const Clock& clock_;
  const LogForm form_;
  std::mutex lost_mutex_;
  size_t lost_told_ = 0;                                ///< guarded by lost_mutex_
  std::shared_ptr<spdlog::details::thread_pool> pool_;  ///< spdlog shares it with the logger
  std::shared_ptr<spdlog::async_logger> logger_;        ///< spdlog shares it with each queued record
};

}  // namespace refsyncd
