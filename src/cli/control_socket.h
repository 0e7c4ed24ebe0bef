#pragma once
#include "api/control_client.h"
#include "cli/commands.h"

namespace refsyncd {

/// The running agent that the configuration file belongs to.
ControlClient running_agent(const Parsed& parsed);

}  // namespace refsyncd
