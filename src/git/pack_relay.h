#pragma once
#include <string>
#include <thread>

#include "base/handle.h"

namespace refsyncd {

/// Puts bytes that were read already before those that are still to come: a thread of its own passes both on
/// to one reader, until the source ends or the reader goes away. The destructor waits for that: the reader
/// must be done with by then.
class PackRelay {
 public:
  /// Throws Error(internal).
  PackRelay(std::string first, FileDescriptor rest);
  PackRelay(const PackRelay&) = delete;
  PackRelay& operator=(const PackRelay&) = delete;
  ~PackRelay();

  /// Where to read. Ours: a reader in another process has a copy.
  const FileDescriptor& reader() const { return reader_; }

 private:
  FileDescriptor reader_;
  std::thread thread_;
};

}  // namespace refsyncd
