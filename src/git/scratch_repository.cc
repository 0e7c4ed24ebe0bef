#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "git/packed_refs.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

/// Not durable on purpose: what is here matters only until the next crash.
void write_plainly(const std::filesystem::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) throw Error(ErrorKind::internal, fmt::format("writing {} failed", path.string()));
}

}  // namespace

ScratchRepository::ScratchRepository(std::filesystem::path path, const std::filesystem::path& target)
    : path_(std::move(path)), target_(target) {
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
  write_plainly(path_ / "objects/info/alternates", (target / "objects").string() + "\n");
}

ScratchRepository::~ScratchRepository() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ScratchRepository::ScratchRepository(ScratchRepository&& other) noexcept
    : path_(std::exchange(other.path_, {})), target_(std::move(other.target_)) {}

void ScratchRepository::set_refs(std::span<const RefValue> refs) {
  PackedRefs packed{.refs = {}, .fully_peeled = false};
  for (const auto& ref : refs) packed.refs.push_back({ref.name, ref.id, std::nullopt});
  std::sort(packed.refs.begin(), packed.refs.end(),
            [](const PackedRef& a, const PackedRef& b) { return a.name < b.name; });
  write_plainly(path_ / "packed-refs", format_packed_refs(packed));
}

}  // namespace refsyncd
