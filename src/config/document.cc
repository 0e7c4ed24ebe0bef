#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <vector>

#include "base/text.h"

namespace refsyncd {
namespace {

constexpr size_t deepest = 32;                // levels of nesting; the deepest key we know stands at 7
constexpr uint64_t most_values = 20'000'000;  // values of a document with all aliases written out
constexpr size_t most_ahead = 1 << 20;        // bytes the scanner may read before it can say what they are
constexpr size_t most_open_ahead = 1'000;     // brackets it may open meanwhile
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

Place place_of(const YAML::Mark& mark) {
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

Place place_of_offset(std::string_view text, size_t offset) {
  const auto before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const auto line_start = before.rfind('\n');
  return {static_cast<uint32_t>(lines + 1),
          static_cast<uint32_t>(line_start == std::string_view::npos ? offset + 1 : offset - line_start)};
}

/// Hands the text to the scanner in small portions and stops it when it reads far ahead of what it reports:
/// inside
/// [...] and {...} it keeps every token until the bracket closes.
class PortionedText : public std::streambuf {
 public:
  explicit PortionedText(std::string_view text) : text_(text) {}
  /// The scanner has reported something: it may read on.
  void progressed() {
    ahead_ = 0;
    open_ahead_ = 0;
  }
  bool too_far_ahead() const { return ahead_ > most_ahead; }
  bool too_deep() const { return open_ahead_ > static_cast<ptrdiff_t>(most_open_ahead); }

 protected:
  int_type underflow() override {
    if (text_.empty() || too_far_ahead() || too_deep()) return traits_type::eof();
    const auto portion = text_.substr(0, 2048);
    text_.remove_prefix(portion.size());
    ahead_ += portion.size();
    for (const char c : portion) open_ahead_ += (c == '[' || c == '{') - (c == ']' || c == '}');
    auto* const begin = const_cast<char*>(portion.data());  // a get area is never written to
    setg(begin, begin, begin + portion.size());
    return traits_type::to_int_type(portion.front());
  }

 private:
  std::string_view text_;
  size_t ahead_ = 0;
  ptrdiff_t open_ahead_ = 0;
};

/// The scanner's words in ours, with a remedy.
std::string explain(const std::string& message) {
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
      {"end of sequence flow not found", "this '[' has no closing ']'"},
      {"end of map flow not found", "this '{' has no closing '}'"},
      {"end of map not found", "a key must stand here; check the indentation"},
      {"end of sequence not found", "a list item ('- ') must stand here; check the indentation"},
      {"illegal flow end", "this closing bracket closes nothing"},
      {"unknown token", "no value can start with this character; put the text in quotes"},
      {"unknown escape character", "\"...\" knows no such escape; use '...' to take backslashes as they are"},
      {"the referenced anchor is not defined", "this alias names no anchor that stands before it"},
      {"bad file", "nested too deeply"},
  };
  for (const auto& translation : translations) {
    if (message.starts_with(translation.theirs)) return std::string(translation.ours);
  }
  return fmt::format("this is not YAML: {}", printable(message));
}

/// True when `count` continuation bytes of a UTF-8 sequence stand at `at`.
bool continues(std::string_view text, size_t at, size_t count) {
  const auto bytes = text.substr(std::min(at, text.size()), count);
  return bytes.size() == count && std::all_of(bytes.begin(), bytes.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
         });
}

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

}  // namespace

/// Builds a document's tree from the parser's events.
class DocumentBuilder : public YAML::EventHandler {
 public:
  DocumentBuilder(Document& document, PortionedText& input) : document_(document), input_(input) {
    document_.nodes_.emplace_back();  // position 0 means none
  }

  void OnDocumentStart(const YAML::Mark&) override { input_.progressed(); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, Document::Kind::null, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Document::Kind::list, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, Document::Kind::map, anchor);
  }
  void OnMapEnd() override { close(); }

  /// Where the innermost list or map still open begins.
  Place innermost() const {
    if (open_.empty()) return {};
    const auto& node = document_.nodes_[open_.back().node];
    return {node.line, node.column};
  }

 private:
  struct Open {
    uint32_t node;
    uint32_t last_child = 0;
    uint64_t weight = 0;  ///< values below, aliases written out
    YAML::anchor_t anchor = 0;
  };
  struct Anchored {
    uint32_t node;
    uint64_t weight;
  };

  uint32_t add(const YAML::Mark& mark, Document::Kind kind, YAML::anchor_t anchor);
  void weigh(Place place, uint64_t weight);
  void open(const YAML::Mark& mark, const std::string& tag, Document::Kind kind, YAML::anchor_t anchor);
  void close();
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const;
  void store_text(Document::Node& node, const YAML::Mark& mark, const std::string& value);

  Document& document_;
  PortionedText& input_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchored_;
};

uint32_t DocumentBuilder::add(const YAML::Mark& mark, Document::Kind kind, YAML::anchor_t anchor) {
  input_.progressed();
  auto& nodes = document_.nodes_;
  const auto place = place_of(mark);
  const auto index = static_cast<uint32_t>(nodes.size());
  auto& node = nodes.emplace_back();
  node.line = place.line;
  node.column = std::min(place.column, 0xFFFFFFU) & 0xFFFFFFU;
  node.kind = kind;
  weigh(place, 1);
  if (!open_.empty()) {
    auto& parent = open_.back();
    (parent.last_child == 0 ? nodes[parent.node].begin : nodes[parent.last_child].next) = index;
    parent.last_child = index;
    ++nodes[parent.node].size;
  }
  if (anchor != 0 && (kind == Document::Kind::scalar || kind == Document::Kind::null))
    anchored_[anchor] = {index, 1};
  return index;
}

void DocumentBuilder::weigh(Place place, uint64_t weight) {
  if (open_.empty()) return;
  open_.back().weight += weight;
  if (open_.back().weight > most_values) {
    throw SyntaxError(place,
                      fmt::format("the document grows past {} values here; aliases multiply", most_values));
  }
}

void DocumentBuilder::refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
  if (tag.empty() || tag == "?" || tag == "!") return;
  constexpr std::string_view standard = "tag:yaml.org,2002:";
  const auto shown = tag.starts_with(standard) ? "!!" + tag.substr(standard.size()) : tag;
  throw SyntaxError(place_of(mark),
                    fmt::format("the tag '{}' is not supported; remove it", printable(shown, 60)));
}

void DocumentBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                               const std::string& value) {
  refuse_tag(mark, tag);
  auto& node = document_.nodes_[add(mark, Document::Kind::scalar, anchor)];
  node.quoted = tag == "!" ? 1 : 0;
  store_text(node, mark, value);
}

void DocumentBuilder::store_text(Document::Node& node, const YAML::Mark& mark, const std::string& value) {
  node.size = static_cast<uint32_t>(value.size());
  const auto written = static_cast<size_t>(mark.pos) + node.quoted;
  if (document_.text_.substr(std::min(written, document_.text_.size())).starts_with(value)) {
    node.begin = static_cast<uint32_t>(written);
    return;
  }
  node.begin = static_cast<uint32_t>(document_.text_.size() + document_.unescaped_.size());
  document_.unescaped_ += value;
}

void DocumentBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto meant = anchored_.find(anchor);
  if (meant == anchored_.end()) throw SyntaxError(place_of(mark), "this alias stands inside what it names");
  weigh(place_of(mark), meant->second.weight);
  document_.nodes_[add(mark, Document::Kind::alias, 0)].begin = meant->second.node;
}

void DocumentBuilder::open(const YAML::Mark& mark, const std::string& tag, Document::Kind kind,
                           YAML::anchor_t anchor) {
  refuse_tag(mark, tag);
  if (open_.size() == deepest) throw SyntaxError(place_of(mark), "nested too deeply");
  open_.push_back({.node = add(mark, kind, anchor), .anchor = anchor});
}

void DocumentBuilder::close() {
  input_.progressed();
  const auto closed = open_.back();
  open_.pop_back();
  if (closed.anchor != 0) anchored_[closed.anchor] = {closed.node, closed.weight + 1};
  const auto& node = document_.nodes_[closed.node];
  weigh({node.line, node.column}, closed.weight);
}

Document::Document(std::string_view text) : text_(text) {
  if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
  check_encoding(text_);
  PortionedText input(text_);
  std::istream stream(&input);
  DocumentBuilder builder(*this, input);
  const auto refuse_bomb = [&](Place place) {
    if (input.too_deep()) throw SyntaxError(place, "nested too deeply");
    if (input.too_far_ahead()) {
      throw SyntaxError(
          place,
          "a [...], {...}, text or comment that begins here is longer than 1 MiB; write long lists and "
          "mappings in block style, one item a line");
    }
  };
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder) || nodes_.size() == 1) {
      refuse_bomb({});
      throw SyntaxError({}, std::string(empty_file));
    }
    const auto end_of_first = nodes_.size();
    if (parser.HandleNextDocument(builder)) {
      const Node second = nodes_.size() > end_of_first ? nodes_[end_of_first] : nodes_.back();
      throw SyntaxError(
          {second.line, second.column},
          "a second YAML document begins here; a configuration is one document (check '---' and the "
          "indentation)");
    }
    refuse_bomb({});
  } catch (const YAML::ParserException& problem) {
    refuse_bomb(builder.innermost());
    const bool unplaced = problem.mark.is_null() || problem.msg.starts_with("end of sequence flow") ||
                          problem.msg.starts_with("end of map flow");
    throw SyntaxError(unplaced ? builder.innermost() : place_of(problem.mark), explain(problem.msg));
  }
}

Value Document::root() const { return Value::at(*this, 1); }

Value Value::at(const Document& document, uint32_t position) {
  if (position == 0) return {};
  const auto& node = document.nodes_[position];
  return {document, node.kind == Document::Kind::alias ? node.begin : position, position};
}

std::string_view Value::text() const {
  if (!is_scalar()) return {};
  const auto& written = document_->text_;
  const auto& found = node();
  if (found.begin < written.size()) return written.substr(found.begin, found.size);
  return std::string_view(document_->unescaped_).substr(found.begin - written.size(), found.size);
}

Place Value::place_at(size_t offset) const {
  const auto& found = node();
  auto place = this->place();
  if (!is_scalar() || found.begin >= document_->text_.size()) return place;
  if (text().substr(0, offset).find('\n') != std::string_view::npos) return place;
  place.column += static_cast<uint32_t>(offset) + found.quoted;
  return place;
}

Value Value::first() const { return is_list() || is_map() ? at(*document_, node().begin) : Value{}; }

Value Value::next() const {
  return index_ == 0 ? Value{} : at(*document_, document_->nodes_[position_].next);
}

}  // namespace refsyncd
