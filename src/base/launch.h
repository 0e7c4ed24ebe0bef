#pragma once
#include <sys/types.h>

#include "base/handle.h"
#include "base/subprocess.h"

namespace refsyncd {

/// A program that was just started: it leads a session and process group of its own.
struct Launched {
  pid_t leader = -1;
  FileDescriptor output;  ///< read end of its stdout, non-blocking
  FileDescriptor error;   ///< read end of its stderr, non-blocking
};

/// Starts the command's program as subprocess.h describes and returns at once. Throws Error(internal) when it
/// cannot be started; then no process is left. The caller must end and reap the group.
Launched launch(const Command& command);

}  // namespace refsyncd
