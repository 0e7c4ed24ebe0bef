#include "report/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace refsyncd {
namespace {

struct StatFields {
  uint64_t user_ticks = 0;
  uint64_t system_ticks = 0;
  uint64_t start_ticks = 0;  ///< since boot
  uint64_t resident_pages = 0;
};

/// The fields of /proc/self/stat after the command's name, which may itself hold spaces and parentheses.
StatFields read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text, '\0');
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream words(text.substr(name_end + 1));
  StatFields fields;
  std::string word;
  constexpr int first = 3;  // proc(5) numbers the fields from 1; the state, after the name, is the third
  for (int number = first; words >> word && number <= 24; ++number) {
    if (number == 14) fields.user_ticks = std::stoull(word);
    if (number == 15) fields.system_ticks = std::stoull(word);
    if (number == 22) fields.start_ticks = std::stoull(word);
    if (number == 24) fields.resident_pages = std::stoull(word);
  }
  return fields;
}

/// When the machine started, as Unix time. Not from /proc/stat: ProcSubset=pid of systemd hides it.
double boot_time() {
  const auto read = [](clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  return read(CLOCK_REALTIME) - read(CLOCK_BOOTTIME);
}

/// As Unix time, reckoned once: two readings of the clocks would differ in their last digits, and a series
/// that changes says to Prometheus that the process has started anew.
double process_start_time(const StatFields& stat, double ticks_per_second) {
  static const double start = boot_time() + static_cast<double>(stat.start_ticks) / ticks_per_second;
  return start;
}

uint64_t count_open_fds() {
  std::error_code problem;
  uint64_t entries = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", problem), end; !problem && entry != end;
       entry.increment(problem)) {
    ++entries;
  }
  return entries > 0 ? entries - 1 : 0;  // one of them was the directory itself
}

}  // namespace

ProcessStats read_process_stats() try {
  const auto stat = read_stat();
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return {.start_time = process_start_time(stat, ticks),
          .cpu_seconds = static_cast<double>(stat.user_ticks + stat.system_ticks) / ticks,
          .resident_bytes = stat.resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)),
          .open_fds = count_open_fds(),
          .max_fds = limit.rlim_cur};
} catch (const std::exception&) {
  return {};
}

}  // namespace refsyncd
