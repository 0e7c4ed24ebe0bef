#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/handle.h"

namespace refsyncd {

/// True for an errno that may pass without anybody changing the configuration: a full or read-only disk, too
/// many open files, no memory, an address still in use.
bool worth_waiting_for(int problem);

/// Lets the process have as many files open as it may (RLIMIT_NOFILE), up to 65,536: shells and containers
/// begin with 1,024, and each upstream host may take sixteen connections. Best effort.
void raise_file_limit();

/// The whole file. Throws Error naming the path and the reason when it cannot be read or is larger than
/// `limit` bytes: transient when that may pass by itself, bad_config otherwise.
std::string read_file(const std::filesystem::path& path, size_t limit = 16 << 20);

/// Replaces the file in one step and makes it durable: a reader sees the old content or the new, also after a
/// power loss. Throws Error(internal).
void write_file(const std::filesystem::path& path, std::string_view content, unsigned mode = 0600);

/// Writes a file that is for our user's eyes alone (0600), durably, in a folder that is too (0700) and is
/// made when missing. Throws Error(internal).
void write_private_file(const std::filesystem::path& path, std::string_view content);

/// Makes the entries of a directory durable. Throws Error(internal).
void sync_directory(const std::filesystem::path& directory);

/// Somebody else holds a lock we need. The message names the holder's process id.
class LockHeld : public Error {
 public:
  explicit LockHeld(const std::string& message) : Error(ErrorKind::transient, message) {}
};

/// An advisory whole-file lock that ends with the object (flock; inherited by no child).
class FileLock {
 public:
  /// Locks the file, creating it, and writes our process id into it. Throws LockHeld when somebody else has
  /// it; when the file cannot be made Error(transient) where that may pass (a full disk), else
  /// Error(bad_config).
  explicit FileLock(const std::filesystem::path& path);

 private:
  FileDescriptor file_;
};

}  // namespace refsyncd
