#pragma once
#include <functional>
#include <string_view>

#include "base/clock.h"
#include "git/redactor.h"

namespace refsyncd {

/// Passes on what the other side says of its progress, four lines a second at most: printable, shortened, and
/// without the secret. For one thread.
class ProgressRelay {
 public:
  /// `to` may be empty: nothing is passed on then.
  ProgressRelay(std::function<void(std::string_view)> to, Redactor redact);

  /// Takes words; of several lines the first.
  void operator()(std::string_view words);

 private:
  std::function<void(std::string_view)> to_;
  Redactor redact_;
  SteadyTime last_{};
};

}  // namespace refsyncd
