#pragma once
#include <array>
#include <chrono>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "config/document.h"
#include "config/keys.h"

namespace refsyncd {

/// Collects the mistakes of a file.
class Problems {
 public:
  void add(Place place, std::string message);
  /// In the order of the file, each once; past a thousand only their number.
  std::vector<ConfigProblem> take();
  bool empty() const { return problems_.empty(); }

 private:
  std::vector<ConfigProblem> problems_;
};

/// What every part of the reader needs: where to report, and what text may refer to.
struct Reading {
  Problems& problems;
  const Environment& environment;
  std::filesystem::path folder;  ///< absolute; relative paths of the file start here
  /// For what is forgotten after reading. Kept apart from the configuration, which it would leave full of
  /// holes.
  std::pmr::memory_resource* scratch = std::pmr::get_default_resource();
};

/// A key of a mapping with its value, or none.
struct Field {
  std::string_view name;
  Value key;
  Value value;

  explicit operator bool() const { return static_cast<bool>(key); }
  /// Where a mistake in the value is reported: at the value, or at the key when there is none.
  Place place() const { return value.is_null() ? key.place() : value.place(); }
};

/// A mapping read by its known keys. Making one reports what is not a mapping, unknown keys and duplicates.
class Fields {
 public:
  /// No value and null count as an empty mapping. `what` names the mapping in messages: "a policy".
  Fields(Reading& reading, Value value, ConfigKeys known, std::string_view what);

  /// The field of a known key, or none.
  Field operator[](std::string_view name) const;
  /// The mapping's own place.
  Place place() const { return place_; }
  bool empty() const;

 private:
  void add(Reading& reading, Value key, Value value, std::string_view what);

  ConfigKeys known_;
  std::array<Value, 16> keys_;
  std::array<Value, 16> values_;
  Place place_;
};

/// The functions below give the field's value, or nothing when the field is absent or wrong; what is wrong
/// has been reported then.

/// The scalar as it stands.
std::optional<std::string_view> read_text(Reading& reading, const Field& field);
/// The scalar with ${NAME} replaced by environment variables; $${ stands for ${.
std::optional<std::string> read_expanded(Reading& reading, const Field& field);
/// The same as an absolute, normalised path; relative ones start at `folder`, or at the file's folder.
std::optional<std::string> read_path(Reading& reading, const Field& field);
std::optional<std::string> read_path(Reading& reading, const Field& field,
                                     const std::filesystem::path& folder);
/// Exactly true or false, not quoted.
std::optional<bool> read_bool(Reading& reading, const Field& field);

struct CountRange {
  int least;
  int most;
};
std::optional<int> read_count(Reading& reading, const Field& field, CountRange range);

struct DurationRange {
  milliseconds least;
  milliseconds most;
};
std::optional<milliseconds> read_duration(Reading& reading, const Field& field, DurationRange range);

struct SizeRange {
  uint64_t least;
  uint64_t most;
};
/// A number of bytes: see parse_size().
std::optional<uint64_t> read_size(Reading& reading, const Field& field, SizeRange range);

/// One of the words, as its position among them.
std::optional<size_t> read_choice(Reading& reading, const Field& field,
                                  std::span<const std::string_view> words);

/// A name of ours: see name_problem().
std::optional<std::string> read_name(Reading& reading, const Field& field);

}  // namespace refsyncd
