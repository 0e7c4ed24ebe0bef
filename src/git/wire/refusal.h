#pragma once
#include <string_view>

#include "base/error.h"

namespace refsyncd {

/// A server refused an object we asked for, because none of its refs leads there (any longer). List again and
/// ask for what is there then. Always transient.
class ObjectGone : public Error {
 public:
  using Error::Error;
};

/// Throws the error for what a server says in an ERR packet or on band 3 of the side-band: ObjectGone, or
/// Error(not_found) where the words tell of a repository that is missing or hidden, else Error(transient).
/// The message has the words, printable and cut.
[[noreturn]] void throw_refusal(std::string_view words);

/// The same when the packet is an ERR packet (gitprotocol-pack(5)); returns otherwise.
void throw_if_refusal(std::string_view payload);

/// Throws Error(transient): the server sent a packet that does not belong there.
[[noreturn]] void throw_unexpected(std::string_view payload);

/// Throws Error(transient): the answer ended before its end.
[[noreturn]] void throw_ended_early();

}  // namespace refsyncd
