#pragma once
#include <span>
#include <string>
#include <string_view>

#include "git/advertisement.h"
#include "git/remote.h"
#include "git/wire/capabilities.h"
#include "git/wire/pkt_line.h"

namespace refsyncd {

/// The body of a POST to URL/git-upload-pack that asks for HEAD and for the branches and tags whose names
/// start with one of the prefixes (full names); for all of them when there is no prefix, or too many for a
/// request. The server must have ls_refs.
std::string ls_refs_request(const ServerCapabilities& capabilities, std::span<const std::string> prefixes);

/// Reads the answer: branches and tags (also such that no prefix asked for, when the server sends them) and
/// HEAD's target, as parse_ls_remote() does. feed() and finish() throw Error(bad_config) beyond the limits
/// and for SHA-256 ids, Error(transient) for an answer that is damaged or ends early, and what
/// throw_refusal() says.
class LsRefsReader {
 public:
  explicit LsRefsReader(const AdvertisementLimits& limits);

  /// Takes the next piece of the body.
  void feed(std::string_view bytes);
  /// The body has ended. Call once.
  Advertisement finish();

 private:
  void take(Packet kind, std::string_view payload);

  PacketReader packets_;
  AdvertisementBuilder refs_;
  bool ended_ = false;
};

}  // namespace refsyncd
