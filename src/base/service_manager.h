#pragma once
#include <chrono>
#include <optional>
#include <string>

namespace refsyncd {

/// Tells systemd (sd_notify(3)) what the process is doing; does nothing when no service manager asked for it.
/// Not thread-safe: called from the loop's thread.
class ServiceManager {
 public:
  void ready(const std::string& status);
  /// RELOADING=1 with MONOTONIC_USEC; ready() must follow, also when the reload failed.
  void reloading();
  void stopping(const std::string& status);
  void status(const std::string& status);
  void watchdog();
  /// How often watchdog() must be called (half of WatchdogSec), nothing when no watchdog is set for this
  /// process.
  std::optional<std::chrono::milliseconds> watchdog_interval() const;
};

}  // namespace refsyncd
