#pragma once
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/place.h"

namespace refsyncd {

/// Why a text is not a document we read. It stops the reading, so there is one at most.
class SyntaxError : public std::runtime_error {
 public:
  SyntaxError(Place where, const std::string& message) : std::runtime_error(message), place(where) {}
  Place place;
};

class Value;
class DocumentBuilder;
class PortionedText;

/// What is said about a file with nothing in it.
inline constexpr std::string_view empty_file = "the file is empty; a configuration has at least 'policies'";

/// One YAML document as a tree that knows where everything stands. Duplicate keys are kept; aliases are
/// followed where they are read. Nodes are small and lie in one pool, since a schedule may have millions of
/// them.
class Document {
 public:
  /// Reads YAML text, which must outlive the document. Throws SyntaxError for malformed YAML, anything but
  /// UTF-8, no or several documents, tags, and what would exhaust memory or stack (nesting, aliases that
  /// multiply).
  explicit Document(std::string_view text);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  Value root() const;

 private:
  friend class Value;
  friend class DocumentBuilder;
  enum class Kind : uint8_t { null, scalar, list, map, alias };

  /// Links are positions in nodes_; 0 is the unused first node and means none.
  struct Node {
    uint32_t line = 0;
    uint32_t column : 24 = 0;
    Kind kind : 4 = Kind::null;
    uint32_t quoted : 1 = 0;
    uint32_t begin = 0;  ///< scalar: where its text begins; list and map: first child; alias: the node meant
    uint32_t size = 0;   ///< scalar: length of its text; list and map: number of children
    uint32_t next = 0;   ///< next child of the same parent
  };

  void build(PortionedText& input, DocumentBuilder& builder);

  std::string_view text_;
  std::string unescaped_;  ///< scalars that do not stand in text_ as they are; they begin at text_.size()
  std::pmr::monotonic_buffer_resource
      node_memory_;  // large blocks, so that freeing it leaves no holes in the heap
  std::pmr::deque<Node> nodes_{&node_memory_};
};

/// A value of a document, or none. A small handle; valid as long as the document.
class Value {
 public:
  Value() = default;

  explicit operator bool() const { return index_ != 0; }
  bool is_null() const { return kind() == Document::Kind::null; }
  bool is_scalar() const { return kind() == Document::Kind::scalar; }
  bool is_list() const { return kind() == Document::Kind::list; }
  bool is_map() const { return kind() == Document::Kind::map; }

  /// The scalar's value; "" for everything else.
  std::string_view text() const;
  /// True for a scalar in quotes or in block style, which is never a boolean or number.
  bool quoted() const { return node().quoted != 0; }
  Place place() const { return {node().line, node().column}; }
  /// Where the byte at `offset` of a scalar's value stands; the scalar's own place when that cannot be told.
  Place place_at(size_t offset) const;

  /// First child of a list, first key of a map, or none.
  Value first() const;
  /// What follows in the parent: the next item of a list; in a map a key's value, and a value's next key.
  Value next() const;
  /// Number of children (keys and values both).
  size_t size() const { return is_list() || is_map() ? node().size : 0; }

 private:
  friend class Document;
  Value(const Document& document, uint32_t index, uint32_t position)
      : document_(&document), index_(index), position_(position) {}
  static Value at(const Document& document, uint32_t position);
  const Document::Node& node() const { return document_->nodes_[index_]; }
  Document::Kind kind() const { return index_ == 0 ? Document::Kind::null : node().kind; }

  const Document* document_ = nullptr;
  uint32_t index_ = 0;     ///< the node, aliases followed; 0 = none
  uint32_t position_ = 0;  ///< the node as it stands in its parent: where next() goes on
};

}  // namespace refsyncd
