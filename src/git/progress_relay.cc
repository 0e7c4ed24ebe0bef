#include "git/progress_relay.h"

#include <chrono>
#include <utility>

#include "base/text.h"

namespace refsyncd {

ProgressRelay::ProgressRelay(std::function<void(std::string_view)> to, Redactor redact)
    : to_(std::move(to)), redact_(std::move(redact)) {}

void ProgressRelay::operator()(std::string_view words) {
  constexpr auto interval = std::chrono::milliseconds(250);
  const auto now = std::chrono::steady_clock::now();
  if (!to_ || now - last_ < interval) return;
  const auto line = words.substr(0, words.find_first_of("\r\n"));
  if (line.empty()) return;
  last_ = now;
  to_(printable(trim(redact_(std::string(line))), 200));
}

}  // namespace refsyncd
