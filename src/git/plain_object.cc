#include "git/plain_object.h"

#include <git2/object.h>

#include <algorithm>
#include <string>

#include "git/libgit2.h"
#include "git/plain_tree.h"

namespace refsyncd {
namespace {

constexpr std::string_view digits = "0123456789";

/// Takes lines off the front of a text. A last line without its line break is none.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  /// The value of the next line when it is "key value"; otherwise the line stays.
  std::optional<std::string_view> value_of(std::string_view key) {
    if (!rest_.starts_with(key) || !rest_.substr(key.size()).starts_with(' ')) return std::nullopt;
    const auto line = next();
    if (!line) return std::nullopt;
    return line->substr(key.size() + 1);
  }

 private:
  std::string_view rest_;
};

std::optional<ObjectId> plain_id(std::optional<std::string_view> hex) {
  if (!hex || hex->find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  const auto id = ObjectId::from_hex(*hex);
  return id && !id->absent() ? id : std::nullopt;
}

/// Seconds since 1970, a space and an offset from UTC. Ten digits last until the year 2286.
bool is_plain_date(std::string_view date) {
  constexpr size_t most_digits = 10;
  const auto length = std::min(date.find_first_not_of(digits), date.size());
  if (length == 0 || length > most_digits || (date.front() == '0' && length > 1)) return false;
  const auto zone = date.substr(length);
  return zone.size() == std::string_view(" +0000").size() && zone[0] == ' ' &&
         (zone[1] == '+' || zone[1] == '-') && zone.find_first_not_of(digits, 2) == std::string_view::npos;
}

/// "Name <mail> date", where the mail may be empty.
bool is_plain_person(std::optional<std::string_view> person) {
  constexpr std::string_view brackets = "<>";
  if (!person) return false;
  const auto open = person->find_first_of(brackets);
  if (open == std::string_view::npos || (*person)[open] != '<') return false;
  const auto close = person->find_first_of(brackets, open + 1);
  if (close == std::string_view::npos || (*person)[close] != '>') return false;
  const auto name = person->substr(0, open);
  const auto after = person->substr(close + 1);
  return name.size() > 1 && name.front() != ' ' && name.back() == ' ' && after.starts_with(' ') &&
         is_plain_date(after.substr(1));
}

/// "key value", of a key that has no place of its own.
bool is_further_header(std::string_view line) {
  const auto key = line.substr(0, line.find(' '));
  if (key.empty() || key.size() == line.size()) return false;
  for (const std::string_view known : {"tree", "parent", "author", "committer"}) {
    if (key == known) return false;
  }
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// True when nothing but further headers, some over several lines, stand before the empty line.
bool end_plainly(Lines& headers) {
  bool may_go_on = false;
  while (const auto line = headers.next()) {
    if (line->empty()) return true;
    const bool goes_on = line->starts_with(' ');
    if (goes_on ? !may_go_on : !is_further_header(*line)) return false;
    may_go_on = true;
  }
  return false;
}

std::optional<PlainObject> plain_commit(std::string_view content) {
  Lines lines(content);
  PlainObject commit;
  const auto tree = plain_id(lines.value_of("tree"));
  if (!tree) return std::nullopt;
  commit.names.push_back({*tree, GIT_OBJECT_TREE});
  while (const auto value = lines.value_of("parent")) {
    const auto parent = plain_id(value);
    if (!parent) return std::nullopt;
    commit.names.push_back({*parent, GIT_OBJECT_COMMIT});
  }
  if (!is_plain_person(lines.value_of("author")) || !is_plain_person(lines.value_of("committer")) ||
      !end_plainly(lines)) {
    return std::nullopt;
  }
  return commit;
}

git_object_t type_called(std::optional<std::string_view> word) {
  for (const auto type : {GIT_OBJECT_COMMIT, GIT_OBJECT_TREE, GIT_OBJECT_BLOB, GIT_OBJECT_TAG}) {
    if (word == git_object_type2string(type)) return type;
  }
  return GIT_OBJECT_INVALID;
}

std::optional<PlainObject> plain_tag(std::string_view content) {
  Lines lines(content);
  const auto target = plain_id(lines.value_of("object"));
  const auto type = type_called(lines.value_of("type"));
  if (!target || type == GIT_OBJECT_INVALID) return std::nullopt;
  const auto name = lines.value_of("tag");
  if (!name || !is_valid_ref_name("refs/tags/" + std::string(*name))) return std::nullopt;
  if (!is_plain_person(lines.value_of("tagger")) || lines.next() != "") return std::nullopt;
  return PlainObject{.names = {{*target, type}}, .attributes = {}};
}

}  // namespace

std::optional<PlainObject> read_plain(git_object_t type, std::string_view content) {
  if (type == GIT_OBJECT_BLOB) return PlainObject{};
  if (type == GIT_OBJECT_TREE) return plain_tree(content);
  if (content.find('\0') != std::string_view::npos) return std::nullopt;
  if (type == GIT_OBJECT_COMMIT) return plain_commit(content);
  if (type == GIT_OBJECT_TAG) return plain_tag(content);
  return std::nullopt;
}

bool are_plain_attributes(std::string_view content) {
  constexpr size_t longest_line = 2047;
  if (content.size() > most_attribute_bytes) return false;
  while (!content.empty()) {
    const auto length = std::min(content.find('\n'), content.size());
    if (length > longest_line) return false;
    content.remove_prefix(std::min(length + 1, content.size()));
  }
  return true;
}

}  // namespace refsyncd
