#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace refsyncd {

/// Makes text from elsewhere safe for one log line or a terminal: control bytes and invalid UTF-8 become
/// \xNN, line breaks become spaces, and at most `limit` bytes are kept ("..." marks the cut).
std::string printable(std::string_view text, size_t limit = 2000);

/// The candidate nearest to what was typed, or "": case ignored, with an edit distance of at most a third of
/// what was typed (1 where that is less), and never all of it.
std::string_view nearest(std::string_view typed, std::span<const std::string_view> candidates);

/// "; did you mean 'x'?" with the nearest(), or "".
std::string suggestion(std::string_view typed, std::span<const std::string_view> candidates);

/// "1 policy", "2 policies", "0 syncs": a number with its noun, of which the singular is given.
std::string counted(size_t number, std::string_view noun);

/// Does a text hold one of the control characters of ASCII?
bool has_control(std::string_view text);

/// Two lower-case hexadecimal digits a byte.
std::string hex_of(std::span<const uint8_t> bytes);

/// Standard Base64 with padding (RFC 4648, section 4).
std::string base64(std::string_view bytes);

/// Splits at each separator; an empty text gives no parts.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Without the white space at both ends.
std::string_view trim(std::string_view text);

/// With the letters A to Z as small ones; other bytes stay.
std::string lower_case(std::string_view text);

/// A 64-bit hash that is the same on every machine and in every version (FNV-1a): for spreading, never for
/// security.
uint64_t stable_hash(std::string_view bytes);

}  // namespace refsyncd
