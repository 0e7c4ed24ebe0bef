#include "config/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/duration.h"
#include "base/size.h"
#include "base/text.h"
#include "config/expand.h"

namespace refsyncd {
namespace {

constexpr size_t most_problems = 1'000;

std::string quoted(std::string_view text) { return fmt::format("'{}'", printable(text, 100)); }

std::string unknown_key(std::string_view key, ConfigKeys known, std::string_view what) {
  if (key == "<<")
    return "merge keys ('<<') are not supported; repeat the keys, or set them once under 'defaults'";
  std::vector<std::string_view> names;
  for (const auto& candidate : known) names.push_back(candidate.name);
  const auto remedy = suggestion(key, names);
  if (!remedy.empty()) return fmt::format("unknown key {}{}", quoted(key), remedy);
  return fmt::format("unknown key {}; {} may have {}", quoted(key), what, fmt::join(names, ", "));
}

}  // namespace

void Problems::add(Place place, std::string message) {
  problems_.push_back({static_cast<int>(place.line), static_cast<int>(place.column), std::move(message)});
}

std::vector<ConfigProblem> Problems::take() {
  const auto before = [](const ConfigProblem& a, const ConfigProblem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  };
  std::stable_sort(problems_.begin(), problems_.end(), before);
  problems_.erase(std::unique(problems_.begin(), problems_.end()), problems_.end());
  if (problems_.size() > most_problems) {
    const auto more = problems_.size() - most_problems;
    problems_.resize(most_problems + 1);
    problems_.back().message = fmt::format("{} more mistakes from here on", more);
  }
  return std::move(problems_);
}

Fields::Fields(Reading& reading, Value value, ConfigKeys known, std::string_view what) : known_(known) {
  if (value.is_null()) return;
  place_ = value.place();
  if (!value.is_map()) {
    reading.problems.add(place_, fmt::format("{} must be a mapping ('key: value' lines), not {}", what,
                                             value.is_list() ? "a list" : "a single value"));
    return;
  }
  for (auto key = value.first(); key; key = key.next().next()) add(reading, key, key.next(), what);
}

void Fields::add(Reading& reading, Value key, Value value, std::string_view what) {
  if (!key.is_scalar()) {
    reading.problems.add(key.place(), "a key must be a word");
    return;
  }
  const auto name = key.text();
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const auto& k) { return k.name == name; });
  if (found == known_.end()) {
    reading.problems.add(key.place(), unknown_key(name, known_, what));
    return;
  }
  const auto index = static_cast<size_t>(found - known_.begin());
  if (keys_[index]) {
    reading.problems.add(key.place(), fmt::format("'{}' stands here a second time; the first is in line {}",
                                                  name, keys_[index].place().line));
    return;
  }
  keys_[index] = key;
  values_[index] = value;
}

Field Fields::operator[](std::string_view name) const {
  for (size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].name == name) return {known_[i].name, keys_[i], values_[i]};
  }
  return {name, {}, {}};
}

bool Fields::empty() const {
  return std::none_of(keys_.begin(), keys_.end(), [](const Value& key) { return static_cast<bool>(key); });
}

std::optional<std::string_view> read_text(Reading& reading, const Field& field) {
  if (!field) return std::nullopt;
  if (field.value.is_scalar()) return field.value.text();
  reading.problems.add(field.place(),
                       field.value.is_null()
                           ? fmt::format("'{}' has no value; write one or remove the key", field.name)
                           : fmt::format("'{}' must be a single value, not {}", field.name,
                                         field.value.is_list() ? "a list" : "a mapping"));
  return std::nullopt;
}

std::optional<std::string> read_expanded(Reading& reading, const Field& field) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  auto expanded = expand(*text, reading.environment);
  if (!expanded.problem.empty()) {
    reading.problems.add(field.value.place_at(expanded.offset), std::move(expanded.problem));
  } else if (expanded.text.empty()) {
    reading.problems.add(field.place(),
                         fmt::format("'{}' is empty; write a value or remove the key", field.name));
  } else if (holds_control(expanded.text)) {
    reading.problems.add(field.place(), fmt::format("'{}' holds a control character; remove it", field.name));
  } else {
    return std::move(expanded.text);
  }
  return std::nullopt;
}

std::optional<std::string> read_path(Reading& reading, const Field& field) {
  return read_path(reading, field, reading.folder);
}

std::optional<std::string> read_path(Reading& reading, const Field& field,
                                     const std::filesystem::path& folder) {
  const auto text = read_expanded(reading, field);
  if (!text) return std::nullopt;
  if (text->starts_with("~")) {
    reading.problems.add(field.place(),
                         fmt::format("'~' is not expanded in '{}'; write ${{HOME}} instead", field.name));
    return std::nullopt;
  }
  return absolute_path(folder, *text);
}

std::optional<bool> read_bool(Reading& reading, const Field& field) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  if (!field.value.quoted() && *text == "true") return true;
  if (!field.value.quoted() && *text == "false") return false;
  reading.problems.add(field.place(),
                       fmt::format("'{}' must be true or false, not {}", field.name, quoted(*text)));
  return std::nullopt;
}

std::optional<int> read_count(Reading& reading, const Field& field, CountRange range) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  int count = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), count);
  const bool whole = problem == std::errc{} && end == text->data() + text->size();
  if (whole && count >= range.least && count <= range.most) return count;
  reading.problems.add(field.place(), fmt::format("{} is not a number '{}' can have; write {} to {}",
                                                  quoted(*text), field.name, range.least, range.most));
  return std::nullopt;
}

std::optional<milliseconds> read_duration(Reading& reading, const Field& field, DurationRange range) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  const auto duration = parse_duration(*text);
  if (!duration) {
    reading.problems.add(field.place(),
                         fmt::format("{} is not a duration; write 30s, 15m or 1h30m", quoted(*text)));
    return std::nullopt;
  }
  if (*duration >= range.least && *duration <= range.most) return duration;
  reading.problems.add(field.place(), fmt::format("'{}' cannot be {}; write {} to {}", field.name, *text,
                                                  format_duration(range.least), format_duration(range.most)));
  return std::nullopt;
}

std::optional<uint64_t> read_size(Reading& reading, const Field& field, SizeRange range) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  const auto size = parse_size(*text);
  if (!size) {
    reading.problems.add(field.place(),
                         fmt::format("{} is not a size; write 512MiB, 2GiB or 1TiB", quoted(*text)));
    return std::nullopt;
  }
  if (*size >= range.least && *size <= range.most) return size;
  reading.problems.add(field.place(), fmt::format("'{}' cannot be {}; write {} to {}", field.name, *text,
                                                  format_size(range.least), format_size(range.most)));
  return std::nullopt;
}

std::optional<size_t> read_choice(Reading& reading, const Field& field,
                                  std::span<const std::string_view> words) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  reading.problems.add(field.place(), fmt::format("'{}' cannot be {}; write {}", field.name, quoted(*text),
                                                  fmt::join(words, ", ")));
  return std::nullopt;
}

std::optional<std::string> read_name(Reading& reading, const Field& field) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  const auto problem = name_problem(*text);
  if (problem.empty()) return std::string(*text);
  reading.problems.add(field.place(), fmt::format("{} is no '{}': {}", quoted(*text), field.name, problem));
  return std::nullopt;
}

}  // namespace refsyncd
