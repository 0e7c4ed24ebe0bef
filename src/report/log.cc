#include "report/log.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <unistd.h>

#include <cstdlib>

#include "base/handle.h"
#include "base/text.h"
#include "report/journal.h"

namespace refsyncd {
namespace {

using ConsoleSink = spdlog::sinks::ansicolor_sink<spdlog::details::console_mutex>;

spdlog::level::level_enum spdlog_level(Severity severity) {
  switch (severity) {
    case Severity::trace: return spdlog::level::trace;
    case Severity::debug: return spdlog::level::debug;
    case Severity::info: return spdlog::level::info;
    case Severity::warning: return spdlog::level::warn;
    case Severity::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

LogForm resolved(LogForm form) {
  if (form == LogForm::automatic) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    form = stream != nullptr && is_journal_stream(stream, STDERR_FILENO) ? LogForm::journal : LogForm::text;
  }
  return form == LogForm::journal && !journal_reachable() ? LogForm::text : form;
}

spdlog::sink_ptr make_sink(LogForm form, std::FILE* out) {
  if (form == LogForm::journal) return std::make_shared<JournalSink>();
  const bool text = form == LogForm::text;
  auto sink =
      std::make_shared<ConsoleSink>(out, text ? spdlog::color_mode::automatic : spdlog::color_mode::never);
  const auto* pattern = text ? "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v" : "%v";
  sink->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n"));
  return sink;
}

/// One thread that leaves all signals to the threads that wait for them.
std::shared_ptr<spdlog::details::thread_pool> make_pool() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const Finally restore([&] { pthread_sigmask(SIG_SETMASK, &before, nullptr); });
  return std::make_shared<spdlog::details::thread_pool>(Log::capacity, 1);
}

}  // namespace

Log::Log(const LogSettings& settings, const Clock& clock)
    : clock_(clock),
      form_(resolved(settings.form)),
      pool_(make_pool()),
      logger_(std::make_shared<spdlog::async_logger>("refsyncd", make_sink(form_, settings.out), pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest)) {
  set_level(settings.level);
}

Log::~Log() {
  tell_lost(capacity);
  pool_.reset();  // joins the thread, so that the logger and its sink end here and not over there
}

bool Log::enabled(Severity severity) const { return logger_->should_log(spdlog_level(severity)); }

void Log::write(const LogRecord& record) {
  if (!enabled(record.severity)) return;
  tell_lost(capacity / 2);
  enqueue(record);
}

void Log::set_level(Severity level) { logger_->set_level(spdlog_level(level)); }

void Log::enqueue(const LogRecord& record) {
  const auto now = clock_.now();
  logger_->log(now, {}, spdlog_level(record.severity), rendered(record, now));
}

void Log::tell_lost(size_t room) {
  const std::lock_guard lock(lost_mutex_);
  const auto lost = pool_->overrun_counter();
  if (lost == lost_told_ || pool_->queue_size() > room) return;
  enqueue(
      {.severity = Severity::warning,
       .event = "log_records_lost",
       .message = fmt::format("{} log records were lost: the log is not read fast enough", lost - lost_told_),
       .fields = {{"lost", static_cast<int64_t>(lost - lost_told_)}}});
  lost_told_ = lost;
}

std::string Log::rendered(const LogRecord& record, WallTime time) const {
  switch (form_) {
    case LogForm::json: return json_line(record, time);
    case LogForm::journal: return join_fields(journal_fields(record));
    case LogForm::automatic:
    case LogForm::text: return printable(record.message);
  }
  return printable(record.message);
}

}  // namespace refsyncd
