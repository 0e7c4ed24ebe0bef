#pragma once
#include <string>

#include "config/reader.h"

namespace refsyncd {

/// What `defaults` and a policy can both say.
struct Rules {
  Schedule schedule = Every{std::chrono::minutes(5)};
  std::string timezone = "UTC";  ///< for a cron expression
  Jitter jitter;
  RetryRule retry;
  milliseconds timeout = std::chrono::minutes(10);
  milliseconds stale_after{};
  bool catch_up = true;
  bool force = false;
  bool prune = false;
};

enum class RulesOf { defaults, policy };

/// Reads the keys of keys::rules; what is absent is inherited. Reports rules that contradict each other once,
/// where one of them is written.
Rules read_rules(Reading& reading, const Fields& fields, const Rules& inherited, RulesOf whose);

}  // namespace refsyncd
