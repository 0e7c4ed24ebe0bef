#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace refsyncd {

/// The kinds of packets: gitprotocol-common(5), and gitprotocol-v2(5) for the last two.
enum class Packet { data, flush, delimiter, response_end };

inline constexpr size_t packet_length_digits = 4;
inline constexpr size_t longest_packet = 65520;  ///< bytes, with the length's own four

/// How many bytes the packet takes that starts here, its length's four digits included; `bytes` has at least
/// these. Throws Error(transient) when they are no length.
size_t packet_size(std::string_view bytes);

/// The kind of a packet, by the four digits at its start, which packet_size() has accepted.
Packet packet_kind(std::string_view packet);

/// Cuts a stream of bytes, which arrives in pieces of any length, into packets. Holds at most one packet.
class PacketReader {
 public:
  /// Calls sink(Packet, std::string_view payload) for each packet that is whole by now; the payload (of data
  /// packets only) is good during the call. A packet that lies whole in `bytes` is not copied. Throws
  /// Error(transient) for what is no packet, and whatever the sink throws; the reader is of no use
  /// afterwards.
  template <typename Sink>
  void feed(std::string_view bytes, Sink&& sink);

  /// True where the stream may end: no packet has begun without its end.
  bool between_packets() const { return held_.empty(); }

 private:
  void hold(std::string_view& bytes, size_t size);

  template <typename Sink>
  static void pass_on(std::string_view packet, Sink& sink) {
    sink(packet_kind(packet), packet.substr(packet_length_digits));
  }

  std::string held_;  ///< the start of a packet
};

template <typename Sink>
void PacketReader::feed(std::string_view bytes, Sink&& sink) {
  if (!held_.empty()) {
    hold(bytes, packet_length_digits);
    if (held_.size() < packet_length_digits) return;
    const auto size = packet_size(held_);
    hold(bytes, size);
    if (held_.size() < size) return;
    pass_on(held_, sink);
    held_.clear();
  }
  while (bytes.size() >= packet_length_digits) {
    const auto size = packet_size(bytes);
    if (bytes.size() < size) break;
    pass_on(bytes.substr(0, size), sink);
    bytes.remove_prefix(size);
  }
  held_.assign(bytes);
}

/// Adds one data packet. The payload is neither empty nor longer than 65516 bytes.
void append_packet(std::string& to, std::string_view payload);
/// Adds what ends a message.
void append_flush(std::string& to);
/// Adds what separates the sections of a message.
void append_delimiter(std::string& to);

/// A text packet's payload without the line feed at its end, which senders may leave out.
inline std::string_view text_of(std::string_view payload) {
  if (payload.ends_with('\n')) payload.remove_suffix(1);
  return payload;
}

}  // namespace refsyncd
