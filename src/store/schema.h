#pragma once
#include "store/soci.h"

namespace refsyncd {

/// The schema's version that this program writes. It stands in the file as `PRAGMA user_version`.
inline constexpr int schema_version = 6;

/// Brings the schema from version `from` (0 = an empty file) up to schema_version, each step in a transaction
/// of its own, so that an interrupted upgrade goes on where it stopped.
void migrate_schema(soci::session& session, int from);

}  // namespace refsyncd
