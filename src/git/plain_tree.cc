#include "git/plain_tree.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace refsyncd {
namespace {

/// The ways in which Git writes the mode of an entry today.
struct EntryKind {
  std::string_view mode;
  git_object_t type;
  bool regular;  ///< a file with content of its own
};
constexpr std::array kinds{
    EntryKind{"100644", GIT_OBJECT_BLOB, true}, EntryKind{"40000", GIT_OBJECT_TREE, false},
    EntryKind{"100755", GIT_OBJECT_BLOB, true}, EntryKind{"120000", GIT_OBJECT_BLOB, false},
    EntryKind{"160000", GIT_OBJECT_COMMIT, false}};

struct Entry {
  EntryKind kind;
  std::string_view name;
  ObjectId id;

  bool is_tree() const { return kind.type == GIT_OBJECT_TREE; }
};

/// Takes the first entry off a tree; nothing when it is cut off or of another mode.
std::optional<Entry> take_entry(std::string_view& tree) {
  const auto* const kind = std::find_if(kinds.begin(), kinds.end(), [&](const EntryKind& one) {
    return tree.starts_with(one.mode) && tree.substr(one.mode.size()).starts_with(' ');
  });
  if (kind == kinds.end()) return std::nullopt;
  tree.remove_prefix(kind->mode.size() + 1);
  Entry entry{*kind, {}, {}};
  const auto end = tree.find('\0');
  if (end == std::string_view::npos || tree.size() - end - 1 < entry.id.bytes.size()) return std::nullopt;
  entry.name = tree.substr(0, end);
  const auto id = tree.substr(end + 1, entry.id.bytes.size());
  std::copy(id.begin(), id.end(), entry.id.bytes.begin());
  tree.remove_prefix(end + 1 + id.size());
  return entry;
}

/// Git sorts trees as if their names ended with a slash.
bool comes_before(const Entry& one, const Entry& other) {
  const auto common = std::min(one.name.size(), other.name.size());
  const auto order = one.name.substr(0, common).compare(other.name.substr(0, common));
  if (order != 0) return order < 0;
  const auto next = [common](const Entry& entry) {
    if (entry.name.size() > common) return static_cast<unsigned char>(entry.name[common]);
    return static_cast<unsigned char>(entry.is_tree() ? '/' : '\0');
  };
  return next(one) < next(other);
}

/// Looks at the order of entries one after the other.
class EntryOrder {
 public:
  /// False when the entry should have come before, or a file has its name.
  bool take(const Entry& entry) {
    if (last_ && !comes_before(*last_, entry)) return false;
    last_ = entry;
    // Between a file "a" and a tree "a" there is room for what begins with "a": "a-b", "a.c".
    while (!files_.empty() && !entry.name.starts_with(files_.back())) files_.pop_back();
    if (!entry.is_tree()) {
      files_.push_back(entry.name);
      return true;
    }
    return files_.empty() || files_.back() != entry.name;
  }

 private:
  std::optional<Entry> last_;
  std::vector<std::string_view> files_;  ///< each begins with the one before, the last entry with all
};

bool is_plain_entry(const Entry& entry) {
  if (entry.id.absent() || !is_plain_entry_name(entry.name)) return false;
  if (entry.name == ".gitattributes") return entry.kind.regular;
  return entry.kind.mode != "120000" || (entry.name != ".gitignore" && entry.name != ".mailmap");
}

}  // namespace

bool is_plain_entry_name(std::string_view name) {
  constexpr size_t longest = 255;                 // that file systems take
  constexpr std::string_view of_paths = "/\\:~";  // NTFS: separators, streams, short names
  // Code points that HFS+ ignores begin with these.
  constexpr std::string_view of_ignored = "\xE2\xEF";
  constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
  if (name.empty() || name.size() > longest) return false;
  if (name.find_first_of(of_paths) != std::string_view::npos) return false;
  if (of_ignored.find(name.front()) != std::string_view::npos) return false;
  if (name.front() != '.') return true;
  if (name.find_first_of(of_ignored) != std::string_view::npos) return false;
  if (name.find_first_not_of(". ") == std::string_view::npos) return false;
  const auto lower = lower_case(name);
  if (!lower.starts_with(".git") && !lower.starts_with(".mailmap")) return true;
  return name != ".git" && name != ".gitmodules" && name.back() != '.' &&
         name.find_first_not_of(harmless) == std::string_view::npos;
}

std::optional<PlainObject> plain_tree(std::string_view content) {
  PlainObject tree;
  EntryOrder order;
  while (!content.empty()) {
    const auto entry = take_entry(content);
    if (!entry || !is_plain_entry(*entry) || !order.take(*entry)) return std::nullopt;
    if (entry->kind.type == GIT_OBJECT_COMMIT) continue;
    tree.names.push_back({entry->id, entry->kind.type});
    if (entry->name == ".gitattributes") tree.attributes.push_back(entry->id);
  }
  return tree;
}

}  // namespace refsyncd
