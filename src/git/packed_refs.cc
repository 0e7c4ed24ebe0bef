#include "git/packed_refs.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/handle.h"
#include "base/text.h"

namespace refsyncd {
namespace {

constexpr size_t largest_file = size_t{1} << 30;
constexpr size_t id_digits = 40;

[[noreturn]] void damaged(std::string_view line) {
  throw Error(ErrorKind::internal, fmt::format("packed-refs is damaged at '{}'", printable(line, 100)));
}

ObjectId id_at_front(std::string_view line) {
  const auto id = ObjectId::from_hex(line.substr(0, id_digits));
  if (!id) damaged(line);
  return *id;
}

bool by_name(const PackedRef& a, const PackedRef& b) { return a.name < b.name; }

auto lower_bound(const std::vector<PackedRef>& refs, std::string_view name) {
  return std::lower_bound(refs.begin(), refs.end(), name,
                          [](const PackedRef& ref, std::string_view wanted) { return ref.name < wanted; });
}

}  // namespace

PackedRefLines::PackedRefLines(std::string_view text) : rest_(text), fully_peeled_(text.empty()) {
  while (rest_.starts_with('#')) fully_peeled_ = take_line().find(" fully-peeled ") != std::string_view::npos;
}

std::string_view PackedRefLines::take_line() {
  const auto end = rest_.find('\n');
  if (end == std::string_view::npos) damaged(rest_);
  const auto line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return line;
}

bool PackedRefLines::next() {
  if (rest_.empty()) return false;
  const auto line = take_line();
  if (line.size() < id_digits + 2 || line[id_digits] != ' ') damaged(line);
  id_ = id_at_front(line);
  name_ = line.substr(id_digits + 1);
  peeled_ = rest_.starts_with('^') ? take_line() : std::string_view();
  if (!peeled_.empty() && peeled_.size() != id_digits + 1) damaged(peeled_);
  return true;
}

std::optional<ObjectId> PackedRefLines::peeled() const {
  if (peeled_.empty()) return std::nullopt;
  const auto id = ObjectId::from_hex(peeled_.substr(1));
  if (!id) damaged(peeled_);
  return id;
}

const PackedRef* PackedRefs::find(std::string_view name) const {
  const auto at = lower_bound(refs, name);
  return at != refs.end() && at->name == name ? &*at : nullptr;
}

bool PackedRefs::has_below(std::string_view directory) const {
  const auto start = std::string(directory) + '/';
  const auto at = lower_bound(refs, start);
  return at != refs.end() && at->name.starts_with(start);
}

PackedRefs parse_packed_refs(std::string_view text) {
  PackedRefs packed;
  PackedRefLines lines(text);
  packed.fully_peeled = lines.fully_peeled();
  while (lines.next()) packed.refs.push_back({std::string(lines.name()), lines.id(), lines.peeled()});
  if (!std::is_sorted(packed.refs.begin(), packed.refs.end(), by_name)) {
    std::stable_sort(packed.refs.begin(), packed.refs.end(), by_name);
  }
  return packed;
}

std::string format_packed_refs(const PackedRefs& packed) {
  std::string text = "# pack-refs with: peeled fully-peeled sorted \n";
  if (!packed.fully_peeled) text = "# pack-refs with: sorted \n";
  for (const auto& ref : packed.refs) {
    text += fmt::format("{} {}\n", ref.id.hex(), ref.name);
    if (ref.peeled) text += fmt::format("^{}\n", ref.peeled->hex());
  }
  return text;
}

std::string read_packed_refs_text(const std::filesystem::path& repository) {
  const auto file = repository / "packed-refs";
  std::error_code unclear;
  if (!std::filesystem::exists(file, unclear) && !unclear) return {};
  return read_file(file, largest_file);
}

PackedRefs read_packed_refs(const std::filesystem::path& repository) {
  return parse_packed_refs(read_packed_refs_text(repository));
}

PackedRefsLock::PackedRefsLock(std::filesystem::path repository) : repository_(std::move(repository)) {
  const auto file = repository_ / "packed-refs.lock";
  for (int attempt = 0;; ++attempt) {
    const FileDescriptor lock(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (lock) return;
    if (errno != EEXIST || attempt == 100) {
      throw Error(ErrorKind::transient, fmt::format("locking packed-refs: {}", std::strerror(errno)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

PackedRefsLock::~PackedRefsLock() {
  std::error_code ignored;
  std::filesystem::remove(repository_ / "packed-refs.lock", ignored);
}

void PackedRefsLock::replace(const PackedRefs& packed) {
  write_file(repository_ / "packed-refs", format_packed_refs(packed), 0666);
}

}  // namespace refsyncd
