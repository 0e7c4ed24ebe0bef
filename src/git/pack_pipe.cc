#include "git/pack_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace refsyncd {

PackPipe::PackPipe(Loop& loop, FileDescriptor pipe, std::function<void()> on_room)
    : loop_(loop), pipe_(std::move(pipe)), on_room_(std::move(on_room)) {
  const int flags = ::fcntl(pipe_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(pipe_.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    throw Error(ErrorKind::internal, "preparing a pipe: " + std::generic_category().message(errno));
  }
}

PackPipe::~PackPipe() {
  if (pipe_) loop_.unwatch(pipe_.get());
}

size_t PackPipe::push(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size()) {
    const auto count = ::write(pipe_.get(), bytes.data() + taken, bytes.size() - taken);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) throw PackNotTaken();
    taken += static_cast<size_t>(count);
  }
  return taken;
}

void PackPipe::write(std::string_view bytes) {
  if (!full()) bytes.remove_prefix(push(bytes));
  if (bytes.empty()) return;
  if (!full()) {
    loop_.watch(pipe_.get(), {.reading = false, .writing = true}, [this](Loop::Readiness) { has_room(); });
  }
  held_ += bytes;
}

void PackPipe::has_room() {
  try {
    held_.erase(0, push(held_));
  } catch (const Error&) {
    held_.clear();  // the next write() tells
  }
  if (full()) return;
  loop_.unwatch(pipe_.get());
  const auto on_room = on_room_;  // it may be the end of us
  on_room();
}

}  // namespace refsyncd
