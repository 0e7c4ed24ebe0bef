#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace refsyncd {

/// Reading a request's body, field by field. `path` is the field's name as the caller knows it
/// ("upstream.url"), whose last part is the key. Unknown keys are ignored, as the contract's clients are told
/// to. Everything throws ApiError(400) that names the field.

/// The text as a JSON object; at most 8 levels deep.
nlohmann::json parse_object(const std::string& text);

/// Nothing when the key is absent. null is no string.
std::optional<std::string> optional_text(const nlohmann::json& object, std::string_view path, size_t at_most);
/// Neither absent nor empty.
std::string required_text(const nlohmann::json& object, std::string_view path, size_t at_most);

/// Words by name ({"team": "core"}); nothing when absent. A value that is null stands for "remove", where
/// `with_nulls` allows it.
using Words = std::map<std::string, std::optional<std::string>>;
std::optional<Words> optional_words(const nlohmann::json& object, std::string_view path, bool with_nulls);

}  // namespace refsyncd
