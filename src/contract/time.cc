#include "contract/time.h"

#include <fmt/format.h>

#include <charconv>

namespace refsyncd {
namespace {

using namespace std::chrono;

/// Reads a text from its front; every step says whether it found what it wanted.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool character(char upper) {
    if (rest_.empty() || (rest_[0] != upper && rest_[0] != upper + ('a' - 'A'))) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool sign(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Exactly so many digits, within the limits.
  bool digits(size_t count, int low, int high, int& value) {
    if (rest_.size() < count || rest_[0] == '-') return false;
    const auto* end = rest_.data() + count;
    const auto [last, error] = std::from_chars(rest_.data(), end, value);
    if (error != std::errc{} || last != end || value < low || value > high) return false;
    rest_.remove_prefix(count);
    return true;
  }
  /// One or more decimals, as milliseconds.
  bool decimals(milliseconds& value) {
    size_t count = 0;
    int weight = 100;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count, weight /= 10) {
      value += milliseconds((rest_[count] - '0') * weight);
    }
    rest_.remove_prefix(count);
    return count > 0;
  }

 private:
  std::string_view rest_;
};

/// "Z", "+hh:mm" or "-hh:mm".
std::optional<minutes> read_offset(Reader& in) {
  if (in.character('Z')) return minutes(0);
  const bool east = in.sign('+');
  if (!east && !in.sign('-')) return std::nullopt;
  int hour = 0;
  int minute = 0;
  if (!in.digits(2, 0, 23, hour) || !in.sign(':') || !in.digits(2, 0, 59, minute)) return std::nullopt;
  const minutes offset = hours(hour) + minutes(minute);
  return east ? offset : -offset;
}

}  // namespace

std::string format_time(WallTime time) {
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count(), clock.subseconds().count());
}

std::optional<WallTime> parse_time(std::string_view text) {
  Reader in(text);
  int y = 0, mon = 0, d = 0, h = 0, min = 0, s = 0;
  const bool date_and_time = in.digits(4, 0, 9999, y) && in.sign('-') && in.digits(2, 1, 12, mon) &&
                             in.sign('-') && in.digits(2, 1, 31, d) && in.character('T') &&
                             in.digits(2, 0, 23, h) && in.sign(':') && in.digits(2, 0, 59, min) &&
                             in.sign(':') && in.digits(2, 0, 60, s);  // 60: a leap second
  if (!date_and_time) return std::nullopt;
  const auto date = year(y) / mon / d;
  milliseconds fraction{};
  if (!date.ok() || (in.sign('.') && !in.decimals(fraction))) return std::nullopt;
  const auto offset = read_offset(in);
  if (!offset || !in.done()) return std::nullopt;
  return sys_days(date) + hours(h) + minutes(min) + seconds(s) + fraction - *offset;
}

}  // namespace refsyncd
