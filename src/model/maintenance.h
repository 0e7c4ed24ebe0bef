#pragma once
#include <array>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace refsyncd {

/// What became of the maintenance of a repository.
enum class MaintenanceResult {
  done,         ///< nothing is left to do
  interrupted,  ///< gave way to a sync, or to a stop; begun again later
  failed,       ///< some step failed; begun again when the repository is next due
};
inline constexpr std::array all_maintenance_results{MaintenanceResult::done, MaintenanceResult::interrupted,
                                                    MaintenanceResult::failed};
std::string_view to_string(MaintenanceResult);

/// One maintenance of one repository.
struct MaintenanceReport {
  std::string repo;
  MaintenanceResult result = MaintenanceResult::done;
  size_t packs_before = 0;
  size_t packs_after = 0;
  size_t loose_refs_before = 0;
  size_t loose_refs_after = 0;
  size_t removed = 0;  ///< leftovers of killed processes, and expired backup refs
  milliseconds took{};
  std::string problem;  ///< the first step's that failed; else ""

  bool changed_something() const {
    return packs_before != packs_after || loose_refs_before != loose_refs_after || removed > 0;
  }
};

}  // namespace refsyncd
