#include "git/redactor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace refsyncd {
namespace {

enum class Digits { upper, lower };

std::string url_encoded(std::string_view text, Digits digits) {
  std::string encoded;
  for (const unsigned char c : text) {
    if (std::isalnum(c) != 0 ||
        std::string_view("-._~").find(static_cast<char>(c)) != std::string_view::npos) {
      encoded += static_cast<char>(c);
    } else {
      encoded += digits == Digits::upper ? fmt::format("%{:02X}", c) : fmt::format("%{:02x}", c);
    }
  }
  return encoded;
}

}  // namespace

Redactor::Redactor(std::string_view username, const Secret& secret) {
  if (secret.empty()) return;
  const auto& value = secret.reveal();
  forms_ = {value, url_encoded(value, Digits::upper), url_encoded(value, Digits::lower), base64(value),
            base64(fmt::format("{}:{}", username, value))};
  std::stable_sort(forms_.begin(), forms_.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string Redactor::operator()(std::string text) const {
  // First a byte that is in no form of a secret, so that one form is never looked for in the mark of another.
  constexpr char placeholder = '\x01';
  if (forms_.empty()) return text;
  for (const auto& form : forms_) {
    for (auto at = text.find(form); at != std::string::npos; at = text.find(form, at + 1)) {
      text.replace(at, form.size(), 1, placeholder);
    }
  }
  std::string marked;
  for (const char c : text) {
    if (c == placeholder) {
      marked += "[secret]";
    } else {
      marked += c;
    }
  }
  return marked;
}

}  // namespace refsyncd
