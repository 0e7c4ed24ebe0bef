#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace refsyncd {

/// Checks documents against a JSON Schema (draft-07), as far as our schema uses it: $ref within the file,
/// type, enum, pattern, bounds, required, properties, additionalProperties, propertyNames, items, not, allOf,
/// anyOf, oneOf. Any other keyword throws, so that none is passed over in silence.
class JsonSchema {
 public:
  explicit JsonSchema(nlohmann::json schema) : schema_(std::move(schema)) {}
  bool accepts(const nlohmann::json& document) const { return accepts(schema_, document); }

 private:
  using Json = nlohmann::json;
  bool accepts(const Json& schema, const Json& value) const;
  bool satisfies(const std::string& keyword, const Json& schema, const Json& value) const;
  bool accepts_object(const Json& schema, const Json& value) const;
  size_t count_accepting(const Json& schemas, const Json& value) const;

  Json schema_;
};

}  // namespace refsyncd
