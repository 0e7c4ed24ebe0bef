#include "model/maintenance.h"

namespace refsyncd {

std::string_view to_string(MaintenanceResult result) {
  switch (result) {
    case MaintenanceResult::done: return "done";
    case MaintenanceResult::interrupted: return "interrupted";
    case MaintenanceResult::failed: return "failed";
  }
  return "";
}

}  // namespace refsyncd
