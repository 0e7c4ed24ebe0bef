#include "http/retry_after.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"

namespace refsyncd {
namespace {

constexpr std::chrono::seconds longest = std::chrono::hours(24);

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<milliseconds> retry_after(std::string_view value, WallTime now) {
  const auto text = trim(value);
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), is_digit)) {
    int64_t seconds = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (problem != std::errc{}) return longest;  // more than 64 bits of seconds
    return std::min(std::chrono::seconds(seconds), longest);
  }
  // Every form of an HTTP date begins with the name of a day; curl_getdate() would take much else.
  if (is_digit(text.front()) || text.find(':') == std::string_view::npos) return std::nullopt;
  const auto moment = curl_getdate(std::string(text).c_str(), nullptr);
  if (moment < 0) return std::nullopt;
  const auto wait = std::chrono::sys_seconds(std::chrono::seconds(moment)) - now;
  return std::clamp<milliseconds>(wait, milliseconds::zero(), longest);
}

}  // namespace refsyncd
