#include "git/pack_scan.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/handle.h"

namespace refsyncd {
namespace {

constexpr size_t header_bytes = 12;
constexpr size_t id_bytes = 20;
constexpr int offset_delta = 6;
constexpr int named_delta = 7;

/// Reads a text of bytes from its front; what is not there makes it fail.
class Bytes {
 public:
  explicit Bytes(std::string_view rest) : rest_(rest) {}

  unsigned next() {
    failed_ = failed_ || rest_.empty();
    if (failed_) return 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  void skip(size_t count) {
    failed_ = failed_ || rest_.size() < count;
    if (!failed_) rest_.remove_prefix(count);
  }
  /// Seven bits a byte, the lowest first, as long as the highest bit says so; put above `bits` known ones.
  uint64_t number(uint64_t known = 0, unsigned bits = 0) {
    for (;; bits += 7) {
      const auto byte = next();
      failed_ = failed_ || bits > 56;
      if (failed_) return 0;
      known |= uint64_t{byte & 0x7F} << bits;
      if ((byte & 0x80) == 0) return known;
    }
  }
  bool failed() const { return failed_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

/// One compressed part of a pack.
struct Part {
  size_t packed = 0;
  uint64_t unpacked = 0;
  std::array<char, 20> front{};  ///< its first bytes: the two numbers a delta begins with
};

std::optional<Part> unpack(std::string_view text, uint64_t limit) {
  z_stream stream{};
  if (::inflateInit(&stream) != Z_OK) return std::nullopt;
  const Finally release([&] { ::inflateEnd(&stream); });
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib's signature
  stream.avail_in = static_cast<uInt>(text.size());
  Part part;
  std::array<char, size_t{16} << 10> buffer{};
  for (int code = Z_OK; code != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    code = ::inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END) return std::nullopt;
    if (part.unpacked == 0) std::copy_n(buffer.begin(), part.front.size(), part.front.begin());
    part.unpacked += buffer.size() - stream.avail_out;
    if (part.unpacked > limit) return std::nullopt;
  }
  part.packed = text.size() - stream.avail_in;
  return part;
}

/// Goes past one object and adds what it costs; false when it is damaged or costs more than `limit`.
bool measure_object(Bytes& bytes, uint64_t limit, PackSize& sum) {
  const auto first = bytes.next();
  const auto type = static_cast<int>(first >> 4 & 7);
  const uint64_t size = (first & 0x80) != 0 ? bytes.number(first & 0xF, 4) : first & 0xF;
  if (type == offset_delta) bytes.number();
  if (type == named_delta) bytes.skip(id_bytes);
  if (bytes.failed() || size > limit) return false;
  const auto part = unpack(bytes.rest(), limit);
  if (!part || part->unpacked != size) return false;
  bytes.skip(part->packed);
  sum.unpacked += size;
  if (type != offset_delta && type != named_delta) return true;
  Bytes front({part->front.data(), part->front.size()});
  const auto base = front.number();
  const auto result = front.number();
  if (front.failed() || base > limit || result > limit) return false;
  sum.unpacked += base + result;
  ++sum.deltas;
  return true;
}

}  // namespace

std::optional<PackSize> measure_pack(std::string_view pack, uint64_t limit) {
  if (pack.size() < header_bytes + id_bytes || !pack.starts_with("PACK")) return std::nullopt;
  uint32_t count = 0;
  for (size_t i = 8; i < header_bytes; ++i) count = count << 8 | static_cast<unsigned char>(pack[i]);
  PackSize size{.objects = count};
  Bytes bytes(pack.substr(header_bytes, pack.size() - header_bytes - id_bytes));
  for (uint32_t i = 0; i < count; ++i) {
    if (!measure_object(bytes, limit - size.unpacked, size) || size.unpacked > limit) return std::nullopt;
  }
  if (!bytes.rest().empty()) return std::nullopt;
  return size;
}

}  // namespace refsyncd
