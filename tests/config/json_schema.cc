#include "json_schema.h"

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>

namespace refsyncd {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& types, const Json& value) {
  if (types.is_array()) {
    return std::any_of(types.begin(), types.end(), [&](const Json& type) { return has_type(type, value); });
  }
  return types == value.type_name() || (types == "integer" && value.is_number_integer());
}

}  // namespace

size_t JsonSchema::count_accepting(const Json& schemas, const Json& value) const {
  return static_cast<size_t>(std::count_if(schemas.begin(), schemas.end(),
                                           [&](const Json& schema) { return accepts(schema, value); }));
}

bool JsonSchema::accepts_object(const Json& schema, const Json& value) const {
  for (const auto& [name, member] : value.items()) {
    if (schema.contains("properties") && schema["properties"].contains(name)) {
      if (!accepts(schema["properties"][name], member)) return false;
    } else if (schema.contains("additionalProperties")) {
      const auto& others = schema["additionalProperties"];
      if (others.is_boolean() ? !others.get<bool>() : !accepts(others, member)) return false;
    }
    if (schema.contains("propertyNames") && !accepts(schema["propertyNames"], Json(name))) return false;
  }
  return true;
}

bool JsonSchema::satisfies(const std::string& keyword, const Json& schema, const Json& value) const {
  static const std::set<std::string> notes{"$schema", "title", "description", "definitions", "examples"};
  static const std::set<std::string> of_members{"properties", "additionalProperties", "propertyNames"};
  const auto& rule = schema[keyword];
  if (notes.contains(keyword)) return true;
  if (of_members.contains(keyword)) return !value.is_object() || accepts_object(schema, value);
  if (keyword == "$ref")
    return accepts(schema_.at(Json::json_pointer(rule.get<std::string>().substr(1))), value);
  if (keyword == "type") return has_type(rule, value);
  if (keyword == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
  if (keyword == "pattern")
    return !value.is_string() ||
           std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
  if (keyword == "minimum") return !value.is_number() || value >= rule;
  if (keyword == "maximum") return !value.is_number() || value <= rule;
  if (keyword == "minLength") return !value.is_string() || value.get<std::string>().size() >= rule;
  if (keyword == "minItems") return !value.is_array() || value.size() >= rule;
  if (keyword == "minProperties") return !value.is_object() || value.size() >= rule;
  if (keyword == "items")
    return !value.is_array() ||
           std::all_of(value.begin(), value.end(), [&](const Json& item) { return accepts(rule, item); });
  if (keyword == "not") return !accepts(rule, value);
  if (keyword == "allOf") return count_accepting(rule, value) == rule.size();
  if (keyword == "anyOf") return count_accepting(rule, value) >= 1;
  if (keyword == "oneOf") return count_accepting(rule, value) == 1;
  if (keyword == "required") {
    return !value.is_object() || std::all_of(rule.begin(), rule.end(), [&](const Json& name) {
      return value.contains(name.get<std::string>());
    });
  }
  throw std::logic_error("keyword not understood: " + keyword);
}

bool JsonSchema::accepts(const Json& schema, const Json& value) const {
  for (const auto& entry : schema.items()) {
    if (!satisfies(entry.key(), schema, value)) return false;
  }
  return true;
}

}  // namespace refsyncd
