#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "api/control_json.h"

namespace refsyncd {

/// Appends "name":[...], written value by value: the whole as one JSON value would take many times the memory
/// of its text. `to_text` makes the JSON of one value.
template <class Values, class ToText>
void append_list(std::string& text, std::string_view name, const Values& values, ToText to_text) {
  text.append("\"").append(name).append("\":[");
  const char* separator = "";
  for (const auto& value : values) {
    text += std::exchange(separator, ",\n");
    text += to_text(value);
  }
  text += ']';
}

/// How many refs a list of syncs may hold before it ends early, and how many syncs are read at a time to see
/// when that is.
inline constexpr size_t most_refs_in_a_list = 100'000;
inline constexpr size_t syncs_at_once = 5;

}  // namespace refsyncd
