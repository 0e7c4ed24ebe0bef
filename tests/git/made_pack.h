#pragma once
#include <git2/types.h>
#include <openssl/sha.h>
#include <zlib.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "git/plain_object.h"
#include "model/object_id.h"

namespace refsyncd {

/// An object as it is in a repository, sound or not.
struct MadeObject {
  git_object_t type = GIT_OBJECT_BLOB;
  std::string content;
};

inline std::array<uint8_t, SHA_DIGEST_LENGTH> sha1(std::string_view bytes) {
  std::array<uint8_t, SHA_DIGEST_LENGTH> sum{};
  ::SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), sum.data());
  return sum;
}

inline ObjectId id_of(const MadeObject& object) {
  static const std::map<git_object_t, std::string> words{{GIT_OBJECT_COMMIT, "commit"},
                                                         {GIT_OBJECT_TREE, "tree"},
                                                         {GIT_OBJECT_BLOB, "blob"},
                                                         {GIT_OBJECT_TAG, "tag"}};
  auto text = words.at(object.type) + ' ' + std::to_string(object.content.size());
  text += '\0';
  return {sha1(text + object.content)};
}

/// Bytes as zlib packs them.
inline std::string deflated(const std::string& text) {
  std::string packed(::compressBound(text.size()), '\0');
  auto size = packed.size();
  ::compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
             text.size());
  packed.resize(size);
  return packed;
}

/// A number as packs write it: seven bits a byte, the lowest first.
inline std::string packed_number(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}

/// The start of an object in a pack (gitformat-pack(5)).
inline std::string object_header(int type, uint64_t size) {
  const auto first = static_cast<char>(type << 4 | static_cast<int>(size & 0xF) | (size > 0xF ? 0x80 : 0));
  return size > 0xF ? first + packed_number(size >> 4) : std::string(1, first);
}

/// An object as packs write it whole.
inline std::string whole_object(const MadeObject& object) {
  return object_header(object.type, object.content.size()) + deflated(object.content);
}

/// An object as a thin pack writes it: by its difference from another one, which is all of it here.
inline std::string object_based_on(const MadeObject& base, const MadeObject& object) {
  constexpr int named_base = 7;
  constexpr size_t most_inserted = 127;
  auto delta = packed_number(base.content.size()) + packed_number(object.content.size());
  for (size_t at = 0; at < object.content.size(); at += most_inserted) {
    const auto piece = object.content.substr(at, most_inserted);
    delta += static_cast<char>(piece.size()) + piece;
  }
  const auto id = id_of(base);
  return object_header(named_base, delta.size()).append(id.bytes.begin(), id.bytes.end()) + deflated(delta);
}

/// A pack of objects that are written already.
inline std::string pack_around(size_t count, const std::string& objects) {
  std::string pack("PACK\0\0\0\2", 8);
  for (const int shift : {24, 16, 8, 0}) pack += static_cast<char>(count >> shift & 0xFF);
  pack += objects;
  const auto sum = sha1(pack);
  return pack.append(sum.begin(), sum.end());
}

/// A pack with exactly these objects, each whole.
inline std::string made_pack(const std::vector<MadeObject>& objects) {
  std::string written;
  for (const auto& object : objects) written += whole_object(object);
  return pack_around(objects.size(), written);
}

/// One entry of a tree.
inline std::string tree_entry(std::string_view mode, std::string_view name, const ObjectId& id) {
  std::string entry(mode);
  entry += ' ';
  entry += name;
  entry += '\0';
  return entry.append(id.bytes.begin(), id.bytes.end());
}

}  // namespace refsyncd
