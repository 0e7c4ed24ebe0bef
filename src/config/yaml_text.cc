#include "config/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/document.h"

namespace refsyncd {
namespace {

constexpr size_t most_ahead = 16 << 20;  // bytes the scanner may read before it reports what they are
constexpr size_t most_separators_ahead =
    1 << 20;                                  // values among them: the scanner takes some 200 bytes for each
constexpr ptrdiff_t most_open_ahead = 1'000;  // brackets it may open meanwhile

Place place_of_offset(std::string_view text, size_t offset) {
  const auto before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const auto line_start = before.rfind('\n');
  return {static_cast<uint32_t>(lines + 1),
          static_cast<uint32_t>(line_start == std::string_view::npos ? offset + 1 : offset - line_start)};
}

/// True when `count` continuation bytes of a UTF-8 sequence stand at `at`.
bool continues(std::string_view text, size_t at, size_t count) {
  const auto bytes = text.substr(std::min(at, text.size()), count);
  return bytes.size() == count && std::all_of(bytes.begin(), bytes.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
         });
}

}  // namespace

void check_encoding(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw SyntaxError({}, "the file is in UTF-16; save it as UTF-8");
  }
  size_t length = 1;
  for (size_t at = 0; at < text.size(); at += length) {
    const auto byte = static_cast<unsigned char>(text[at]);
    length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    if ((byte >= 0x80 && byte < 0xC2) || byte > 0xF4 || !continues(text, at + 1, length - 1)) {
      throw SyntaxError(place_of_offset(text, at),
                        fmt::format("the byte 0x{:02x} is not UTF-8; save the file as UTF-8", byte));
    }
    const bool control = byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t';
    if (control || byte == 0x7F) {
      throw SyntaxError(place_of_offset(text, at),
                        fmt::format("a control character (0x{:02x}) cannot stand here", byte));
    }
  }
}

std::string explain_syntax(const std::string& message) {
  struct Translation {
    std::string_view theirs;
    std::string_view ours;
  };
  static constexpr Translation translations[] = {
      {"illegal map value",
       "a value cannot start here; indent with spaces evenly, and quote a text that holds ': '"},
      {"illegal map key", "a key cannot start here; check the indentation"},
      {"illegal tab", "a tab cannot indent; use spaces"},
      {"illegal block entry", "a list item cannot start here; check the indentation of '-'"},
      {"illegal EOF in scalar", "this quoted text has no closing quote"},
      {"illegal document indicator in scalar", "this quoted text has no closing quote"},
      {"end of sequence flow not found",
       "this '[' has no closing ']'; put a text that holds brackets, such as ${NAME}, in quotes"},
      {"end of map flow not found",
       "this '{' has no closing '}'; put a text that holds brackets, such as ${NAME}, in quotes"},
      {"end of map not found", "a key must stand here; check the indentation"},
      {"end of sequence not found", "a list item ('- ') must stand here; check the indentation"},
      {"illegal flow end", "this closing bracket closes nothing"},
      {"unknown token", "no value can start with this character; put the text in quotes"},
      {"unknown escape character", "\"...\" knows no such escape; use '...' to take backslashes as they are"},
      {"the referenced anchor is not defined",
       "this alias names no anchor that stands before it; quote a text that begins with '*'"},
      {"alias not found after *", "quote a text that begins with '*'"},
      {"anchor not found after &", "quote a text that begins with '&'"},
      {"bad file", "nested too deeply"},
  };
  for (const auto& translation : translations) {
    if (message.starts_with(translation.theirs)) return std::string(translation.ours);
  }
  return fmt::format("this is not YAML: {}", printable(message));
}

PortionedText::int_type PortionedText::underflow() {
  too_far_ahead_ |= ahead_ > most_ahead || separators_ahead_ > most_separators_ahead;
  too_deep_ |= open_ahead_ > most_open_ahead;
  if (text_.empty() || too_far_ahead_ || too_deep_) return traits_type::eof();
  const auto portion = text_.substr(0, 2048);
  text_.remove_prefix(portion.size());
  ahead_ += portion.size();
  for (const char c : portion) {
    open_ahead_ += (c == '[' || c == '{') - (c == ']' || c == '}');
    separators_ahead_ += c == ',' || c == ':' || c == '[' || c == '{';
  }
  auto* const begin = const_cast<char*>(portion.data());  // a get area is never written to
  setg(begin, begin, begin + portion.size());
  return traits_type::to_int_type(portion.front());
}

}  // namespace refsyncd
