#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <initializer_list>

#include "base/error.h"
#include "base/file.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

/// Not durable on purpose: what is here matters only until the next crash.
void write_plainly(const std::filesystem::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) throw Error(ErrorKind::internal, fmt::format("writing {} failed", path.string()));
}

/// The path of the emptied scratch repository that the next one begins with.
std::filesystem::path spare_beside(const std::filesystem::path& path) {
  return path.parent_path() / ScratchRepository::spare_name;
}

std::string alternates_of(const std::filesystem::path& target) {
  return (target / "objects").string() + "\n";
}

/// Takes the spare one, if it is there and sees this target's objects. Making files and folders anew for each
/// sync costs more than most fetches do.
bool take_spare(const std::filesystem::path& path, const std::filesystem::path& target) try {
  if (::rename(spare_beside(path).c_str(), path.c_str()) != 0) return false;
  if (read_file(path / "objects/info/alternates") == alternates_of(target)) return true;
  std::filesystem::remove_all(path);
  return false;
} catch (const std::exception&) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
  return false;
}

/// Removes everything from a folder but the names to keep.
void empty_but(const std::filesystem::path& folder, std::initializer_list<std::string_view> kept) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (std::find(kept.begin(), kept.end(), name) == kept.end()) std::filesystem::remove_all(entry.path());
  }
}

/// Empties a scratch repository and lays it aside.
void become_spare(const std::filesystem::path& path) {
  empty_but(path, {"HEAD", "config", "objects", "refs"});
  empty_but(path / "refs", {"heads", "tags"});
  empty_but(path / "refs/heads", {});
  empty_but(path / "refs/tags", {});
  empty_but(path / "objects", {"info", "pack"});
  empty_but(path / "objects/info", {"alternates"});
  empty_but(path / "objects/pack", {});
  std::filesystem::rename(path, spare_beside(path));
}

}  // namespace

ScratchRepository::ScratchRepository(std::filesystem::path path, const std::filesystem::path& target)
    : path_(std::move(path)), target_(target) {
  if (take_spare(path_, target_)) return;
  for (const auto* folder : {"objects/info", "objects/pack", "refs/heads", "refs/tags"}) {
    std::error_code problem;
    std::filesystem::create_directories(path_ / folder, problem);
    if (problem) {
      throw Error(ErrorKind::internal,
                  fmt::format("creating {}: {}", (path_ / folder).string(), problem.message()));
    }
  }
  write_plainly(path_ / "HEAD", "ref: refs/heads/main\n");
  write_plainly(path_ / "config",
                "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfilemode = true\n");
  write_plainly(path_ / "objects/info/alternates", alternates_of(target_));
}

ScratchRepository::~ScratchRepository() {
  if (path_.empty()) return;
  try {
    become_spare(path_);
  } catch (const std::exception&) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
}

ScratchRepository::ScratchRepository(ScratchRepository&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      target_(std::move(other.target_)),
      refs_(std::move(other.refs_)),
      reader_(std::move(other.reader_)) {}

const ObjectReader& ScratchRepository::reader() const {
  if (!reader_) reader_.emplace(path_);
  return *reader_;
}

void ScratchRepository::set_refs(std::vector<RefValue> refs) {
  refs_ = std::move(refs);
  std::sort(refs_.begin(), refs_.end());
}

}  // namespace refsyncd
