#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "git/advertisement.h"
#include "git/remote.h"
#include "git/wire/pkt_line.h"

namespace refsyncd {

/// What a server says that it can do, as far as we make use of it. Names the protocol's own where nothing
/// else is said; those after the version are only ever true for version 2.
struct ServerCapabilities {
  int version = 0;             ///< of the protocol: 0, 1 or 2
  bool agent = false;          ///< takes our name and version
  bool object_format = false;  ///< takes the object format's name (which is sha1: others are refused)
  bool ls_refs = false;
  bool ls_refs_unborn = false;  ///< ls-refs tells where HEAD points in a repository without commits
  bool fetch = false;
  bool fetch_sideband_all = false;  ///< fetch can send progress and errors during all of its answer

  bool operator==(const ServerCapabilities&) const = default;
};

/// What `GET URL/info/refs?service=git-upload-pack` brings.
struct ServiceAdvertisement {
  ServerCapabilities capabilities;
  std::optional<Advertisement> refs;  ///< set for versions 0 and 1, which list all refs at once

  bool operator==(const ServiceAdvertisement&) const = default;
};

/// Reads that answer (gitprotocol-http(5), gitprotocol-v2(5)). feed() and finish() throw
///  - Error(not_found) when no smart HTTP Git server talks there: a web page, or the files of a repository
///  (the
///    "dumb" protocol); or when the server says that there is no repository;
///  - Error(bad_config) for repositories that are not SHA-1, and beyond the limits;
///  - Error(transient) for an answer that is damaged or ends early, and for other words of refusal.
class ServiceAdvertisementReader {
 public:
  explicit ServiceAdvertisementReader(const AdvertisementLimits& limits);

  /// Takes the next piece of the body.
  void feed(std::string_view bytes);
  /// The body has ended. Call once.
  ServiceAdvertisement finish();

 private:
  enum class Expected { service, flush_after_service, version_or_ref, capability, ref, nothing };

  void check_opening() const;
  void take(Packet kind, std::string_view payload);
  void take_flush();
  void take_first(std::string_view text);
  void take_capability(std::string_view text);
  void take_ref_capabilities(std::string_view words);
  void take_ref(std::string_view text);
  void take_object_format(std::string_view name);

  std::string opening_;  ///< the first bytes, until there are enough of them to judge
  bool opened_ = false;
  PacketReader packets_;
  Expected expected_ = Expected::service;
  bool knows_format_ = false;
  ServiceAdvertisement answer_;
  AdvertisementBuilder refs_;
};

/// The start of a request of protocol version 2: the command, the capabilities that all commands share, and
/// the delimiter after which the command's arguments stand.
std::string begin_command(const ServerCapabilities& capabilities, std::string_view command);

}  // namespace refsyncd
