#include "model/cron.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/text.h"

namespace refsyncd {
namespace {

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> week_day_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view article;
  std::string_view noun;
  int low;
  int high;                                 // the highest value that may be written
  int count;                                // how many values differ: 7 is another way to write Sunday
  std::span<const std::string_view> names;  // names[i] stands for low + i

  int last() const { return low + count - 1; }
};
constexpr std::array fields{Field{"a", "minute", 0, 59, 60, {}}, Field{"an", "hour", 0, 23, 24, {}},
                            Field{"a", "day of the month", 1, 31, 31, {}},
                            Field{"a", "month", 1, 12, 12, month_names},
                            Field{"a", "day of the week", 0, 7, 7, week_day_names}};
constexpr const Field& day_field = fields[2];
constexpr const Field& week_day_field = fields[4];

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> shorthands{
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"},
     {"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"}}};
constexpr std::string_view layout = "expected five fields: minute hour day-of-month month day-of-week";

std::string quoted(std::string_view text) { return fmt::format("'{}'", printable(text, 40)); }

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool number_or_name(std::string_view text, const Field& field) {
  return text.empty() || all_digits(text) ||
         std::find(field.names.begin(), field.names.end(), text) != field.names.end();
}

/// True for what Quartz, Jenkins and others add to the day fields: L, LW, 15W, 5L, MON#2, ?, H.
bool foreign_extension(const Field& field, std::string_view written) {
  const auto text = lower_case(written);
  if (text == "?" || text == "h" || text.starts_with("h(") || text.find('#') != std::string::npos)
    return true;
  if (&field != &day_field && &field != &week_day_field) return false;
  if (text == "lw" || text.starts_with("l-")) return true;
  return (text.ends_with('l') || text.ends_with('w')) &&
         number_or_name(std::string_view(text).substr(0, text.size() - 1), field);
}

/// Reads one expression; throws the problem.
class Reader {
 public:
  explicit Reader(std::string_view expression) : expression_(expression) {}

  Cron read() const {
    const auto parts = words();
    if (!parts.empty() && parts.front().starts_with('@')) return shorthand(parts.front());
    if (parts.size() < fields.size()) refuse(expression_.substr(expression_.size()), std::string(layout));
    if (parts.size() > fields.size()) {
      refuse(parts[fields.size()],
             fmt::format("{}; found {} (seconds and years are not supported)", layout, parts.size()));
    }
    Cron cron;
    cron.minutes = values(fields[0], parts[0]);
    cron.hours = values(fields[1], parts[1]);
    cron.days = values(fields[2], parts[2]);
    cron.months = values(fields[3], parts[3]);
    cron.week_days = values(fields[4], parts[4]);
    cron.any_day = parts[2].starts_with('*');
    cron.any_week_day = parts[4].starts_with('*');
    if (never_due(cron)) {
      refuse(parts[2], fmt::format("is never due: no {} of month {} exists; write a day that the month has",
                                   printable(parts[2], 40), printable(parts[3], 40)));
    }
    return cron;
  }

 private:
  [[noreturn]] void refuse(std::string_view part, std::string message) const {
    throw CronProblem{static_cast<size_t>(part.data() - expression_.data()), std::move(message)};
  }

  std::vector<std::string_view> words() const {
    std::vector<std::string_view> parts;
    auto rest = expression_;
    for (;;) {
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
      if (rest.empty()) return parts;
      parts.push_back(rest.substr(0, rest.find_first_of(" \t")));
      rest.remove_prefix(parts.back().size());
    }
  }

  Cron shorthand(std::string_view written) const {
    const auto whole = trim(expression_);
    std::vector<std::string_view> names;
    for (const auto& [name, expression] : shorthands) {
      if (lower_case(whole) == name) return Reader(expression).read();
      names.push_back(name);
    }
    if (lower_case(written) == "@every")
      refuse(written, "'@every' is not a time of the calendar; write `every: 5m` instead of cron");
    const auto near = nearest(whole, names);
    refuse(written, near.empty() ? fmt::format("{} is not known; write five fields or one of {}",
                                               quoted(whole), "@hourly, @daily, @weekly, @monthly, @yearly")
                                 : fmt::format("{} is not known; did you mean {}?", quoted(whole), near));
  }

  uint64_t values(const Field& field, std::string_view part) const {
    uint64_t set = 0;
    for (const auto entry : split(part, ',')) set |= entry_values(field, entry);
    return set;
  }

  uint64_t entry_values(const Field& field, std::string_view entry) const {
    if (entry.empty())
      refuse(entry, fmt::format("an entry of the list of {}s is empty; remove the comma", field.noun));
    if (foreign_extension(field, entry)) {
      refuse(entry, fmt::format(
                        "{} is an extension of other schedulers that is not supported; write numbers, names, "
                        "lists, ranges and steps as in crontab(5)",
                        quoted(entry)));
    }
    const auto slash = entry.find('/');
    const auto [first, last] = range(field, entry, entry.substr(0, slash));
    const int step = slash == std::string_view::npos ? 1 : step_of(field, entry, first, last);
    uint64_t set = 0;
    for (int value = first; value <= last; value += step) {
      set |= uint64_t{1} << (field.low + (value - field.low) % field.count);
    }
    return set;
  }

  std::pair<int, int> range(const Field& field, std::string_view entry, std::string_view text) const {
    if (text == "*") return {field.low, field.last()};
    const auto dash = text.find('-');
    int first = value(field, entry, text.substr(0, dash));
    if (dash == std::string_view::npos) {
      if (text.size() != entry.size()) {
        refuse(entry, fmt::format("the step in {} needs a range; write {}-{}{}", quoted(entry),
                                  printable(text), field.last(), printable(entry.substr(text.size()), 40)));
      }
      return {first, first};
    }
    const auto last_text = text.substr(dash + 1);
    int last = value(field, entry, last_text);
    if (&field == &week_day_field) {
      if (first == 7 && last < 7) first = 0;
      if (last == 0 && first > 0 && !all_digits(last_text)) last = 7;  // fri-sun
    }
    if (first > last) {
      refuse(text, fmt::format("range {} runs backwards; write {},{}", text,
                               span_text(field, text, first, field.last()),
                               span_text(field, text, field.low, last)));
    }
    return {first, last};
  }

  int value(const Field& field, std::string_view entry, std::string_view text) const {
    if (all_digits(text)) {
      int number = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (problem == std::errc{} && number >= field.low && number <= field.high) return number;
    }
    const auto name = std::find(field.names.begin(), field.names.end(), lower_case(text));
    if (name != field.names.end()) return field.low + static_cast<int>(name - field.names.begin());
    const auto shown = text.empty() ? entry : text;
    refuse(shown, fmt::format("{} is not {} {}; write {}-{}{}, a list, a range or a step", quoted(shown),
                              field.article, field.noun, field.low, field.high, name_span(field)));
  }

  int step_of(const Field& field, std::string_view entry, int first, int last) const {
    const auto text = entry.substr(entry.find('/') + 1);
    int step = 0;
    if (all_digits(text)) {
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), step);
      if (problem != std::errc{}) step = field.high + 1;
      if (step == 0) refuse(text, fmt::format("step {} never moves on; write 1 or more", text));
      if (step <= last - first) return step;
      refuse(text, fmt::format("step {} leaves only one {}, {}; write {} or a smaller step",
                               printable(text, 20), field.noun, first, first));
    }
    refuse(text.empty() ? entry : text,
           fmt::format("{} is not a step; write a number after the slash, as in */15", quoted(text)));
  }

  /// A range as the user would write it: with names where names were used.
  static std::string span_text(const Field& field, std::string_view written, int first, int last) {
    const bool numbers = field.names.empty() || written.find_first_of("0123456789") != std::string_view::npos;
    const auto name = [&](int value) {
      return numbers ? fmt::to_string(value)
                     : std::string(field.names[static_cast<size_t>(value - field.low)]);
    };
    return first == last ? name(first) : fmt::format("{}-{}", name(first), name(last));
  }

  static std::string name_span(const Field& field) {
    return field.names.empty() ? "" : fmt::format(" or {}-{}", field.names.front(), field.names.back());
  }

  static bool never_due(const Cron& cron) {
    if (!cron.any_day && !cron.any_week_day) return false;  // every month has every day of the week
    constexpr std::array longest{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int first_day = 1;
    while (!cron.days[static_cast<size_t>(first_day)]) ++first_day;
    for (size_t month = 1; month <= 12; ++month) {
      if (cron.months[month] && first_day <= longest[month]) return false;
    }
    return true;
  }

  std::string_view expression_;
};

}  // namespace

bool parse_cron(std::string_view expression, Cron& cron, CronProblem& problem) {
  try {
    cron = Reader(expression).read();
    return true;
  } catch (CronProblem& found) {
    problem = std::move(found);
    return false;
  }
}

bool known_time_zone(const std::string& name) {
  if (name == "UTC") return true;  // also on a machine without a time zone database
  try {
    date::locate_zone(name)->get_info(date::sys_seconds{});  // finding it reads no file yet; using it does
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace refsyncd
