#include "api/body.h"

#include <fmt/format.h>

#include "api/api_route.h"
#include "base/text.h"

namespace refsyncd {
namespace {

using nlohmann::json;

constexpr int deepest = 8;
constexpr size_t most_words = 100;
constexpr size_t longest_word = 256;

const json* value_at(const json& object, std::string_view path) {
  const auto found = object.find(std::string(path.substr(path.rfind('.') + 1)));
  return found == object.end() ? nullptr : &*found;
}

std::string text_of(const json& value, std::string_view path, size_t at_most) {
  if (!value.is_string()) throw bad_request(path, "must be a string");
  auto text = value.get<std::string>();
  if (text.size() > at_most) throw bad_request(path, fmt::format("is longer than {} bytes", at_most));
  if (has_control(text)) throw bad_request(path, "holds a control character");
  return text;
}

}  // namespace

json parse_object(const std::string& text) {
  auto value = json::parse(
      text,
      [](int depth, json::parse_event_t, const json&) {
        if (depth > deepest) throw bad_request("", "the request body is nested too deeply");
        return true;
      },
      false);
  if (!value.is_object()) throw bad_request("", "the request body must be a JSON object");
  return value;
}

std::optional<std::string> optional_text(const json& object, std::string_view path, size_t at_most) {
  const auto* value = value_at(object, path);
  if (value == nullptr) return std::nullopt;
  return text_of(*value, path, at_most);
}

std::string required_text(const json& object, std::string_view path, size_t at_most) {
  auto text = optional_text(object, path, at_most);
  if (!text) throw bad_request(path, "is missing");
  if (text->empty()) throw bad_request(path, "must not be empty");
  return std::move(*text);
}

std::optional<Words> optional_words(const json& object, std::string_view path, bool with_nulls) {
  const auto* value = value_at(object, path);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) throw bad_request(path, "must be an object of strings");
  if (value->size() > most_words) throw bad_request(path, fmt::format("has more than {} keys", most_words));
  Words words;
  for (const auto& [key, word] : value->items()) {
    if (key.empty() || key.size() > longest_word || has_control(key)) {
      throw bad_request(path,
                        fmt::format("each key has 1 to {} bytes without control characters", longest_word));
    }
    const bool remove = with_nulls && word.is_null();
    words.emplace(key, remove ? std::nullopt
                              : std::optional(text_of(word, fmt::format("{}.{}", path, key), longest_word)));
  }
  return words;
}

}  // namespace refsyncd
