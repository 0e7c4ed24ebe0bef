#include "git/packed_refs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

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

constexpr auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };

void append(std::string& text, const PackedChange& change) {
  if (change.value.absent()) return;
  text += change.value.hex() + ' ' + change.name + '\n';
  if (change.peeled) text += '^' + change.peeled->hex() + '\n';
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
  const auto start = rest_;
  const auto line = take_line();
  if (line.size() < id_digits + 2 || line[id_digits] != ' ') damaged(line);
  id_ = id_at_front(line);
  name_ = line.substr(id_digits + 1);
  if (rest_.starts_with('^')) {
    const auto peeled = take_line();
    if (peeled.size() != id_digits + 1) damaged(peeled);
  }
  lines_ = start.substr(0, start.size() - rest_.size());
  return true;
}

PackedRefs::PackedRefs(std::string text) : text_(std::move(text)) {
  constexpr size_t usual_line = 64;
  refs_.reserve(text_.size() / usual_line);
  PackedRefLines lines(text_);
  fully_peeled_ = lines.fully_peeled();
  while (lines.next()) refs_.push_back({lines.name(), lines.id(), lines.lines()});
  if (!std::is_sorted(refs_.begin(), refs_.end(), by_name))
    std::stable_sort(refs_.begin(), refs_.end(), by_name);
}

const PackedRef* PackedRefs::find(std::string_view name) const {
  const auto after = std::upper_bound(refs_.begin(), refs_.end(), PackedRef{name, {}, {}}, by_name);
  return after != refs_.begin() && (after - 1)->name == name ? &*(after - 1) : nullptr;
}

bool PackedRefs::is_in_the_way_of(std::string_view name) const {
  for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1)) {
    if (find(name.substr(0, slash)) != nullptr) return true;
  }
  const auto folder = std::string(name) + '/';
  const auto below = std::lower_bound(refs_.begin(), refs_.end(), PackedRef{folder, {}, {}}, by_name);
  return below != refs_.end() && below->name.starts_with(folder);
}

std::string PackedRefs::with(std::vector<PackedChange> changes) const {
  std::sort(changes.begin(), changes.end(), by_name);
  std::string text =
      fully_peeled_ ? "# pack-refs with: peeled fully-peeled sorted \n" : "# pack-refs with: sorted \n";
  constexpr size_t usual_addition = 160;
  text.reserve(text_.size() + changes.size() * usual_addition);
  auto next = changes.begin();
  for (const auto& ref : refs_) {
    while (next != changes.end() && next->name < ref.name) append(text, *next++);
    if (next == changes.end() || next->name != ref.name) text += ref.lines;
  }
  while (next != changes.end()) append(text, *next++);
  return text;
}

std::string read_packed_refs_text(const std::filesystem::path& repository) {
  const auto file = repository / "packed-refs";
  std::error_code unclear;
  if (!std::filesystem::exists(file, unclear) && !unclear) return {};
  return read_file(file, largest_file);
}

PackedRefsLock::PackedRefsLock(std::filesystem::path repository) : repository_(std::move(repository)) {
  const auto file = repository_ / "packed-refs.lock";
  for (int attempt = 0;; ++attempt) {
    const FileDescriptor lock(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (lock) return;
    const auto problem = fmt::format("locking packed-refs: {}", std::strerror(errno));
    if (errno != EEXIST) throw Error(ErrorKind::transient, problem);
    if (attempt == 100) throw LockHeld(problem);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

PackedRefsLock::~PackedRefsLock() {
  std::error_code ignored;
  std::filesystem::remove(repository_ / "packed-refs.lock", ignored);
}

/// Git tells one packed-refs from the next by size, inode and the second of its last change. After two in one
/// second the first one's inode may be back: a git that has read that one would take ours for it.
void PackedRefsLock::replace(std::string_view text) {
  const auto file = repository_ / "packed-refs";
  struct stat before {};
  const bool existed = ::stat(file.c_str(), &before) == 0;
  write_file(file, text, 0666);
  struct stat after {};
  if (!existed || ::stat(file.c_str(), &after) != 0 || after.st_mtim.tv_sec > before.st_mtim.tv_sec) return;
  constexpr time_t most_seconds = 60;  // else a clock went wrong
  if (before.st_mtim.tv_sec - after.st_mtim.tv_sec > most_seconds) return;
  const timespec times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                            {.tv_sec = before.st_mtim.tv_sec + 1, .tv_nsec = 0}};
  ::utimensat(AT_FDCWD, file.c_str(), times, 0);
}

}  // namespace refsyncd
