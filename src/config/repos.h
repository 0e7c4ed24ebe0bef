#pragma once
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/reader.h"

namespace refsyncd {

/// The repositories of a file while the rest of it is read.
struct RepoTable {
  explicit RepoTable(std::pmr::memory_resource* scratch) : identities(scratch), by_name(scratch) {}

  std::vector<Repo> repos;
  std::pmr::vector<std::pmr::string>
      identities;  ///< of each repository's upstream (UpstreamUrl::identity); "" = none
  std::pmr::unordered_map<std::string_view, uint32_t> by_name;  ///< views into the names as written

  const Repo* find(std::string_view name) const;
};

RepoTable read_repos(Reading& reading, const Field& field, const ServiceConfig& service);

}  // namespace refsyncd
