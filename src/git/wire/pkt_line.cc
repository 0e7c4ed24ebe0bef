#include "git/wire/pkt_line.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {
namespace {

constexpr unsigned last_special = 2;  // 0000, 0001 and 0002 mean something else than a length

}  // namespace

size_t packet_size(std::string_view bytes) {
  const auto digits = bytes.substr(0, packet_length_digits);
  unsigned length = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stopped, problem] = std::from_chars(digits.data(), end, length, 16);
  const bool number = problem == std::errc() && stopped == end;
  if (number && length <= last_special) return packet_length_digits;
  if (!number || length < packet_length_digits || length > longest_packet) {
    throw Error(ErrorKind::transient,
                fmt::format("the upstream's answer is malformed: '{}' is no length of a packet",
                            printable(digits, 40)));
  }
  return length;
}

Packet packet_kind(std::string_view packet) {
  if (packet.size() > packet_length_digits) return Packet::data;
  switch (packet.back()) {
    case '0': return Packet::flush;
    case '1': return Packet::delimiter;
    case '2': return Packet::response_end;
    default: return Packet::data;  // 0004, an empty one
  }
}

void PacketReader::hold(std::string_view& bytes, size_t size) {
  if (held_.size() >= size) return;
  const auto missing = std::min(size - held_.size(), bytes.size());
  held_.append(bytes.substr(0, missing));
  bytes.remove_prefix(missing);
}

void append_packet(std::string& to, std::string_view payload) {
  const auto size = packet_length_digits + payload.size();
  if (payload.empty() || size > longest_packet) {
    throw Error(ErrorKind::internal, fmt::format("a packet cannot hold {} bytes", payload.size()));
  }
  fmt::format_to(std::back_inserter(to), "{:04x}{}", size, payload);
}

void append_flush(std::string& to) { to += "0000"; }

void append_delimiter(std::string& to) { to += "0001"; }

}  // namespace refsyncd
