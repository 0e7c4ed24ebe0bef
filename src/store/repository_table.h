#pragma once
#include <string>
#include <vector>

#include "model/store.h"
#include "store/soci.h"

namespace refsyncd {

/// The table repositories. Made anew after a database error, which leaves prepared statements unusable.
class RepositoryTable {
 public:
  explicit RepositoryTable(soci::session& session);

  /// Inserts or replaces, also another row of the same name, unless that is deleted; removes one that is
  /// gone.
  void put(const RepositoryRecord& repository);
  /// By name.
  std::vector<RepositoryRecord> all();

 private:
  struct Row {
    RepositoryRecord record;
    bool made_by_api = false;
    RepositoryDefinition definition;
    std::string tags;
    bool deleted = false;
  };
  template <class Bind>
  static soci::statement prepare(soci::session& session, const char* sql, Row& row, Bind bind);

  soci::session& session_;
  Row row_;  // what put_ is bound to
  soci::statement put_;
};

}  // namespace refsyncd
