#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "config/yaml_text.h"

namespace refsyncd {
namespace {

constexpr size_t deepest = 32;  // levels of nesting; the deepest key we know stands at 7
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr uint64_t most_values = 20'000'000;  // values of a document with all aliases written out

Place place_of(const YAML::Mark& mark) {
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
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
  void require_closing_quote(const YAML::Mark& mark) const;
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
  if (node.quoted != 0) require_closing_quote(mark);
  store_text(node, mark, value);
}

/// yaml-cpp takes the end of the file for a closing quote.
void DocumentBuilder::require_closing_quote(const YAML::Mark& mark) const {
  const auto rest = document_.text_.substr(std::min(static_cast<size_t>(mark.pos), document_.text_.size()));
  const char quote = rest.empty() ? ' ' : rest.front();
  if (quote != '\'' && quote != '"') return;
  for (size_t at = 1; at < rest.size(); ++at) {
    const bool escaped = quote == '"' ? rest[at] == '\\' : rest.substr(at, 2) == "''";
    if (escaped) {
      ++at;
    } else if (rest[at] == quote) {
      return;
    }
  }
  throw SyntaxError(place_of(mark), "this quoted text has no closing quote");
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

namespace {

/// Where malformed YAML is reported, and how.
SyntaxError syntax_error(const YAML::ParserException& problem, std::string_view text, Place innermost) {
  const bool never_closed =
      problem.msg.starts_with("end of sequence flow") || problem.msg.starts_with("end of map flow");
  if (problem.mark.is_null() || never_closed) return {innermost, explain_syntax(problem.msg)};
  const auto place = place_of(problem.mark);
  const auto at = std::min(static_cast<size_t>(problem.mark.pos), text.size());
  const auto line = text.substr(0, at).rfind('\n') + 1;
  const auto indent = text.substr(line, text.find_first_not_of(" \t", line) - line);
  if (const auto tab = indent.find('\t'); tab != std::string_view::npos) {
    return {{place.line, static_cast<uint32_t>(tab + 1)}, "a tab cannot indent; use spaces"};
  }
  return {place, explain_syntax(problem.msg)};
}

/// Throws when the scanner was stopped, whatever it made of the text cut short.
void refuse_bomb(const PortionedText& input, Place place) {
  if (input.too_deep()) throw SyntaxError(place, "nested too deeply");
  if (input.too_far_ahead()) {
    throw SyntaxError(
        place,
        "a [...], {...}, text or comment that begins here is too long; write long lists and mappings in "
        "block style, one item a line");
  }
}

}  // namespace

Document::Document(std::string_view text) : text_(text) {
  if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
  check_encoding(text_);
  PortionedText input(text_);
  DocumentBuilder builder(*this, input);
  try {
    build(input, builder);
    refuse_bomb(input, {});
  } catch (const YAML::ParserException& problem) {
    refuse_bomb(input, builder.innermost());
    throw syntax_error(problem, text_, builder.innermost());
  }
  if (nodes_.size() == 1) throw SyntaxError({}, std::string(empty_file));
}

void Document::build(PortionedText& input, DocumentBuilder& builder) {
  std::istream stream(&input);
  YAML::Parser parser(stream);
  parser.HandleNextDocument(builder);
  const auto end_of_first = nodes_.size();
  if (!parser.HandleNextDocument(builder)) return;
  const auto& second = nodes_[std::min(end_of_first, nodes_.size() - 1)];
  throw SyntaxError(
      {second.line, second.column},
      "a second YAML document begins here; a configuration is one document (check '---' and the "
      "indentation)");
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
