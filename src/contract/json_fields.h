#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace refsyncd {

/// Text from elsewhere as JSON. Throws Error(internal) "unexpected answer: ..." when it is not JSON, or
/// nested deeper than anything of the contract.
nlohmann::json json_from(const std::string& text);

/// The text of a value; bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json&);

/// Throws Error(internal) "unexpected answer: '<field>' <problem>".
[[noreturn]] void unexpected(std::string_view field, std::string_view problem);
/// Throws unexpected() with the value, made printable: "'<field>' is '<value>'".
[[noreturn]] void unexpected_value(std::string_view field, std::string_view value);

/// One object of an answer, whose fields are checked as they are read: everything here throws unexpected().
/// Refers to the object, which must outlive it.
class JsonFields {
 public:
  /// `path` is where the object stands, for errors; "" for the whole answer, which is then called `whole`.
  JsonFields(const nlohmann::json& object, std::string path, std::string_view whole = "answer");

  std::string at(const char* name) const;
  /// Nullptr when the field is absent or null.
  const nlohmann::json* find(const char* name) const;
  const nlohmann::json& get(const char* name) const;
  const nlohmann::json& list(const char* name) const;
  const std::string& text(const char* name) const;
  /// A text that is not empty.
  const std::string& name(const char* name) const;
  std::string text_or(const char* name, const std::string& fallback) const;
  bool flag(const char* name) const;

  /// A text that `read` must understand.
  template <class Read>
  auto parsed(const char* name, Read read) const {
    const auto& value = text(name);
    const auto result = read(value);
    if (!result) unexpected_value(at(name), value);
    return *result;
  }
  template <class Read>
  auto parsed_if_there(const char* name, Read read) const {
    using Result = decltype(read(std::string()));
    return find(name) == nullptr ? Result() : Result(parsed(name, read));
  }

 private:
  const std::string& as_text(const char* name, const nlohmann::json& value) const;

  const nlohmann::json& object_;
  std::string path_;
};

}  // namespace refsyncd
