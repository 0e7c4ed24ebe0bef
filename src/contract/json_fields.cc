#include "contract/json_fields.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {

using nlohmann::json;

json json_from(const std::string& text) {
  constexpr int deepest = 32;
  bool too_deep = false;
  const auto not_too_deep = [&](int depth, json::parse_event_t, const json&) {
    if (depth > deepest) too_deep = true;
    return !too_deep;
  };
  auto value = json::parse(text, not_too_deep, false);
  if (too_deep) throw Error(ErrorKind::internal, "unexpected answer: JSON that is nested too deeply");
  if (value.is_discarded()) throw Error(ErrorKind::internal, "unexpected answer: it is not JSON");
  return value;
}

std::string json_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void unexpected(std::string_view field, std::string_view problem) {
  throw Error(ErrorKind::internal, fmt::format("unexpected answer: '{}' {}", field, problem));
}

void unexpected_value(std::string_view field, std::string_view value) {
  unexpected(field, fmt::format("is '{}'", printable(value, 80)));
}

JsonFields::JsonFields(const json& object, std::string path, std::string_view whole)
    : object_(object), path_(std::move(path)) {
  if (!object.is_object()) unexpected(path_.empty() ? whole : path_, "is not an object");
}

std::string JsonFields::at(const char* name) const {
  return path_.empty() ? name : fmt::format("{}.{}", path_, name);
}

const json* JsonFields::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const json& JsonFields::get(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) unexpected(at(name), "is missing");
  return *value;
}

const json& JsonFields::list(const char* name) const {
  const auto& value = get(name);
  if (!value.is_array()) unexpected(at(name), "is not an array");
  return value;
}

const std::string& JsonFields::text(const char* name) const { return as_text(name, get(name)); }

const std::string& JsonFields::name(const char* name) const {
  const auto& value = text(name);
  if (value.empty()) unexpected(at(name), "is empty");
  return value;
}

std::string JsonFields::text_or(const char* name, const std::string& fallback) const {
  const auto* value = find(name);
  return value == nullptr ? fallback : as_text(name, *value);
}

bool JsonFields::flag(const char* name) const {
  const auto& value = get(name);
  if (!value.is_boolean()) unexpected(at(name), "is neither true nor false");
  return value.get<bool>();
}

const std::string& JsonFields::as_text(const char* name, const json& value) const {
  if (!value.is_string()) unexpected(at(name), "is not a string");
  return value.get_ref<const std::string&>();
}

}  // namespace refsyncd
