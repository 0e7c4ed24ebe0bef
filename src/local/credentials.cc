#include "local/credentials.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/uuid.h"

namespace refsyncd {
namespace {

namespace fs = std::filesystem;

/// Others keep secrets in the same folder.
constexpr std::string_view prefix = "upstream-";

}  // namespace

std::string UpstreamCredentials::keep(const Secret& credential, WallTime now) const {
  auto name = fmt::format("{}{}", prefix, new_uuid(now));
  write_private_file(folder_ / name, credential.reveal());
  return name;
}

SecretSource UpstreamCredentials::source(const std::string& name) const {
  return {.kind = SecretSource::Kind::file, .name = (folder_ / name).string()};
}

void UpstreamCredentials::forget(const std::string& name) const {
  std::error_code ignored;  // what stays is told of by the next start
  if (!name.empty()) fs::remove(folder_ / name, ignored);
}

std::vector<fs::path> UpstreamCredentials::all_but(const std::set<std::string>& names) const {
  std::vector<fs::path> others;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(prefix) && !names.contains(name)) others.push_back(entry.path());
  }
  return others;
}

}  // namespace refsyncd
