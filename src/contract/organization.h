#pragma once
#include <string>

namespace refsyncd {

/// The contract's organisation. Ours is one a data directory, known by its name.
struct Organization {
  std::string id;  ///< a UUID that is the same for the same slug, everywhere and always
  std::string slug;
  std::string name;

  bool operator==(const Organization&) const = default;
};

Organization organization_of(const std::string& slug);

}  // namespace refsyncd
