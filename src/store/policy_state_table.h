#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/policy_state.h"
#include "store/soci.h"

namespace refsyncd {

/// The table policy_states. Made anew after a database error, which leaves prepared statements unusable.
class PolicyStateTable {
 public:
  explicit PolicyStateTable(soci::session& session);

  /// Inserts or replaces.
  void put(const PolicyState& state);
  std::vector<PolicyState> all();
  void remove(const std::vector<std::string>& names);

 private:
  struct Row {
    PolicyState state;
    std::optional<ErrorKind> failure_kind;
    std::string failure_message;
    std::optional<milliseconds> failure_retry_after;
  };

  soci::session& session_;
  Row row_;  // what put_ is bound to
  soci::statement put_;
};

}  // namespace refsyncd
