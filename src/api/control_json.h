#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "api/control.h"

namespace refsyncd {

/// What the control port says, as JSON and back, exactly: reading what was written gives an equal value.
/// (What probes ask, readiness, is only written.) Syncs have the contract's shape with what it leaves out
/// beside it. Reading throws nlohmann::json::exception or Error when the JSON has another shape.
nlohmann::json control_json(const PolicyStatus&);
nlohmann::json control_json(const AgentStatus&);
nlohmann::json control_json(const ReloadResult&);
nlohmann::json control_json(const Readiness&);
/// As text: a sync may have very many refs.
std::string control_text(Sync);

PolicyStatus policy_status_from(const nlohmann::json&);
AgentStatus agent_status_from(const nlohmann::json&);
ReloadResult reload_result_from(const nlohmann::json&);
Sync control_sync_from(nlohmann::json);

}  // namespace refsyncd
