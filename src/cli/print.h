#pragma once
#include <string>
#include <vector>

#include "base/clock.h"

namespace refsyncd {

/// "2026-01-05 14:03:07" in UTC.
std::string describe_time(WallTime time);

/// Rows of cells as left-aligned columns, two spaces apart. Cells are made printable.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// Writes to stderr what a person should know. Does not fail when nobody reads.
void tell(const std::string& text);

}  // namespace refsyncd
