#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/handle.h"
#include "base/loop.h"

namespace refsyncd {

/// Whoever read the pack has stopped doing so, and knows why.
class PackNotTaken : public Error {
 public:
  PackNotTaken() : Error(ErrorKind::transient, "the pack was not read to its end") {}
};

/// The writing end of a pipe that takes a pack from a loop's thread: what the pipe has no room for is held
/// here, and whoever brings the bytes is asked to wait. Lives on the loop's thread.
class PackPipe {
 public:
  /// `on_room` is called from the loop once everything that was held is written, or can no longer be. Throws
  /// Error(internal) when the descriptor cannot be made non-blocking.
  PackPipe(Loop& loop, FileDescriptor pipe, std::function<void()> on_room);
  PackPipe(const PackPipe&) = delete;
  PackPipe& operator=(const PackPipe&) = delete;
  ~PackPipe();

  /// Takes bytes. Throws PackNotTaken when nobody reads the pipe any more.
  void write(std::string_view bytes);
  /// True while the pipe has no room: bring nothing before on_room.
  bool full() const { return !held_.empty(); }

 private:
  /// Returns how many bytes the pipe took.
  size_t push(std::string_view bytes);
  void has_room();

  Loop& loop_;
  FileDescriptor pipe_;
  std::function<void()> on_room_;
  std::string held_;
};

}  // namespace refsyncd
