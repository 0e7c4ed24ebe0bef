#include "git/ref_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <map>

#include "base/error.h"
#include "base/handle.h"
#include "base/sha256.h"
#include "base/text.h"
#include "git/libgit2.h"
#include "git/packed_refs.h"

namespace refsyncd {
namespace {

using Path = std::filesystem::path;
using Directory = Owned<DIR, ::closedir>;

constexpr std::string_view branches = "refs/heads/";
constexpr std::string_view tags = "refs/tags/";
constexpr size_t id_digits = 40;
constexpr size_t longest_content = 8192;
constexpr int most_links = 5;     // as in Git
constexpr int most_attempts = 3;  // to see files that nobody packs meanwhile

[[noreturn]] void fail(std::string_view what, int problem) {
  throw Error(ErrorKind::internal,
              fmt::format("reading {}: {}", printable(what, 300), std::strerror(problem)));
}

struct LooseRef {
  std::string name;
  RefFile file;
};

bool is_space(char c) { return std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos; }

RefFile parse_file(std::string_view text) {
  constexpr std::string_view symbolic = "ref: ";
  if (text.starts_with(symbolic)) {
    while (is_space(text.back())) text.remove_suffix(1);
    if (text.size() > symbolic.size()) return {.id = {}, .target = std::string(text.substr(symbolic.size()))};
    return {};
  }
  if (text.size() > id_digits && !is_space(text[id_digits])) return {};
  return {.id = ObjectId::from_hex(text.substr(0, id_digits)).value_or(ObjectId{}), .target = {}};
}

/// Tells one packed-refs from the next; all zero when there is none.
struct PackedIdentity {
  dev_t device = 0;
  ino_t file = 0;
  off_t size = 0;
  int64_t modified = 0;  ///< nanoseconds since 1970, as is `changed`
  int64_t changed = 0;

  bool operator==(const PackedIdentity&) const = default;
};

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

/// A file system's clock goes in steps: of two files that were written in one step the times are the same.
bool is_settled(const PackedIdentity& identity) {
  constexpr int64_t longest_step = 1'000'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return identity.modified < nanoseconds(now) - longest_step;
}

/// The files of one repository. What vanishes while it is looked at is not there.
class RefFiles {
 public:
  explicit RefFiles(const Path& repository);

  /// The branches and tags that have a file, broken ones too; in no order.
  std::vector<LooseRef> loose() const;
  /// What packed-refs holds; "" when there is none.
  std::string packed() const { return read_packed_refs_text(repository_); }
  PackedIdentity packed_identity() const {
    struct stat found {};
    if (::fstatat(folder_.get(), "packed-refs", &found, 0) != 0) return {};
    return {.device = found.st_dev,
            .file = found.st_ino,
            .size = found.st_size,
            .modified = nanoseconds(found.st_mtim),
            .changed = nanoseconds(found.st_ctim)};
  }
  /// What a ref's file says; nothing when it has none.
  std::optional<RefFile> read(const std::string& name) const {
    return read_at(folder_.get(), name.c_str(), name);
  }

 private:
  static std::optional<RefFile> read_at(int folder, const char* entry, std::string_view name);
  void list(const std::string& folder, std::vector<std::string>& folders, std::vector<LooseRef>& found) const;

  Path repository_;
  FileDescriptor folder_;
};

RefFiles::RefFiles(const Path& repository)
    : repository_(repository), folder_(::open(repository.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!folder_ && (errno == ENOENT || errno == ENOTDIR)) {
    throw Error(ErrorKind::not_found, fmt::format("the repository {} does not exist", repository.string()));
  }
  if (!folder_) fail(repository.string(), errno);
  if (::faccessat(folder_.get(), "reftable", F_OK, 0) == 0) {
    throw Error(
        ErrorKind::bad_config,
        fmt::format("{} stores its refs as 'reftable'; only 'files' is supported", repository.string()));
  }
  if (::faccessat(folder_.get(), "refs", F_OK, 0) != 0) {
    throw Error(ErrorKind::bad_config,
                fmt::format("{} is not a bare Git repository: it has no refs", repository.string()));
  }
}

std::optional<RefFile> RefFiles::read_at(int folder, const char* entry, std::string_view name) {
  const FileDescriptor file(::openat(folder, entry, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!file && errno == ELOOP) return RefFile{};
  if (!file) fail(name, errno);
  std::array<char, longest_content> text;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  const auto count = ::read(file.get(), text.data(), text.size());
  if (count < 0 && errno == EISDIR) return std::nullopt;
  if (count < 0) fail(name, errno);
  return parse_file({text.data(), static_cast<size_t>(count)});
}

void RefFiles::list(const std::string& folder, std::vector<std::string>& folders,
                    std::vector<LooseRef>& found) const {
  const int opened = ::openat(folder_.get(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return;
  if (opened < 0) fail(folder, errno);
  const Directory directory(::fdopendir(opened));
  if (!directory) fail(folder, errno);
  errno = 0;
  while (const auto* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe): our own stream
    auto name = folder + static_cast<const char*>(entry->d_name);
    auto type = entry->d_type;
    if (type == DT_UNKNOWN) {
      struct stat status {};
      if (::fstatat(opened, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISLNK(status.st_mode) ? DT_LNK : DT_REG;
    }
    if (is_valid_ref_name(name)) {
      if (type == DT_DIR) {
        folders.push_back(name + '/');
      } else if (type == DT_REG || type == DT_LNK) {
        if (auto file = read_at(opened, entry->d_name, name))
          found.push_back({std::move(name), *std::move(file)});
      }
    }
    errno = 0;
  }
  if (errno != 0) fail(folder, errno);
}

std::vector<LooseRef> RefFiles::loose() const {
  std::vector<LooseRef> found;
  std::vector<std::string> folders{std::string(branches), std::string(tags)};
  while (!folders.empty()) {
    const auto folder = std::move(folders.back());
    folders.pop_back();
    list(folder, folders, found);
  }
  return found;
}

bool is_wanted(std::string_view name) {
  return (name.starts_with(branches) || name.starts_with(tags)) && is_valid_ref_name(name);
}

bool by_name(const RefValue& a, const RefValue& b) { return a.name < b.name; }

/// The packed branches and tags, sorted by name; of two lines with one name the last counts.
std::vector<RefValue> packed_values(std::string_view text) {
  constexpr size_t usual_line = 64;
  std::vector<RefValue> values;
  values.reserve(text.size() / usual_line);
  bool sorted = true;
  for (PackedRefLines lines(text); lines.next();) {
    if (!is_wanted(lines.name()) || lines.id().absent()) continue;
    sorted = sorted && (values.empty() || values.back().name < lines.name());
    values.push_back({std::string(lines.name()), lines.id()});
  }
  if (sorted) return values;
  std::stable_sort(values.begin(), values.end(), by_name);
  const auto same_name = [](const RefValue& a, const RefValue& b) { return a.name == b.name; };
  values.erase(values.begin(), std::unique(values.rbegin(), values.rend(), same_name).base());
  return values;
}

ObjectId packed_value(std::string_view text, std::string_view name) {
  ObjectId value;
  for (PackedRefLines lines(text); lines.next();) {
    if (lines.name() == name) value = lines.id();
  }
  return value;
}

/// The value that a symbolic ref leads to; absent when it leads nowhere.
ObjectId follow(const RefFiles& files, std::string_view packed, std::string target) {
  for (int link = 0; link < most_links && is_valid_ref_name(target); ++link) {
    auto file = files.read(target);
    if (!file) return packed_value(packed, target);
    if (file->target.empty()) return file->id;
    target = std::move(file->target);
  }
  return {};
}

/// Puts the values of the files over the packed ones.
std::vector<RefValue> merge(const RefFiles& files, const std::vector<LooseRef>& loose,
                            std::string_view packed) {
  auto values = packed_values(packed);
  std::vector<RefValue> more;
  bool any_broken = false;
  for (const auto& [name, file] : loose) {
    const auto id = file.target.empty() ? file.id : follow(files, packed, file.target);
    any_broken = any_broken || id.absent();
    const RefValue value{name, id};
    const auto at = std::lower_bound(values.begin(), values.end(), value, by_name);
    if (at != values.end() && at->name == name) {
      at->id = id;
    } else {
      more.push_back(value);
    }
  }
  if (!more.empty()) {
    values.insert(values.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    std::sort(values.begin(), values.end(), by_name);
  }
  if (any_broken) std::erase_if(values, [](const RefValue& value) { return value.id.absent(); });
  return values;
}

}  // namespace

std::optional<RefFile> read_ref_file(const Path& repository, const std::string& name) {
  return RefFiles(repository).read(name);
}

std::string read_head_target(const Path& repository) {
  const auto head = read_ref_file(repository, "HEAD");
  return head ? head->target : "";
}

class RefSnapshot::Files {
 public:
  explicit Files(const Path& repository) : files_(repository) {
    for (int attempt = 1; attempt <= most_attempts && !look(); ++attempt) {
    }
  }

  std::vector<RefValue> values() {
    for (int attempt = 1;; ++attempt) {
      // In this order: a ref that is packed, and its file removed, between the two is found in the second.
      const auto packed = files_.packed();
      whole_ = whole_ && files_.packed_identity() == identity_;
      if (whole_ || attempt == most_attempts) return merge(files_, loose_, packed);
      look();
    }
  }

  bool any_broken() const {
    return std::ranges::any_of(
        loose_, [](const LooseRef& ref) { return ref.file.target.empty() && ref.file.id.absent(); });
  }

  std::string stamp() const {
    const bool links =
        std::ranges::any_of(loose_, [](const LooseRef& ref) { return !ref.file.target.empty(); });
    if (!whole_ || links || !is_settled(identity_)) return "";
    std::map<std::string_view, const ObjectId*> sorted;
    for (const auto& [name, file] : loose_) sorted.emplace(name, &file.id);
    Sha256 digest;
    digest.update(fmt::format("{} {} {} {} {}\n", identity_.device, identity_.file, identity_.size,
                              identity_.modified, identity_.changed));
    for (const auto& [name, id] : sorted) digest.update(fmt::format("{} {}\n", id->hex(), name));
    return digest.hex();
  }

 private:
  /// Reads the refs' own files; true when nobody packed refs meanwhile.
  bool look() {
    identity_ = files_.packed_identity();
    loose_ = files_.loose();
    return whole_ = files_.packed_identity() == identity_;
  }

  RefFiles files_;
  PackedIdentity identity_;
  std::vector<LooseRef> loose_;
  bool whole_ = false;  // all is of one state of packed-refs
};

RefSnapshot::RefSnapshot(const Path& repository) : files_(std::make_unique<Files>(repository)) {}

RefSnapshot::~RefSnapshot() = default;

std::vector<RefValue> RefSnapshot::values() { return files_->values(); }

bool RefSnapshot::any_broken() const { return files_->any_broken(); }

std::string RefSnapshot::stamp() const { return files_->stamp(); }

std::vector<RefValue> read_refs(const Path& repository) { return RefSnapshot(repository).values(); }

}  // namespace refsyncd
