#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "git/wire/capabilities.h"
#include "git/wire/pkt_line.h"
#include "git/wire/refusal.h"
#include "model/object_id.h"

namespace refsyncd {

/// One round of a fetch. The protocol keeps no state: every round says all wants and all haves again.
struct FetchRequest {
  std::vector<ObjectId> wants;  ///< values of the server's refs
  std::vector<ObjectId> haves;  ///< what we have, with its whole history; at most 100,000
  bool done = false;            ///< send the pack now, whatever is common
};

/// The body of a POST to URL/git-upload-pack. The server must have fetch.
std::string fetch_request(const ServerCapabilities& capabilities, const FetchRequest& request);

struct FetchCallbacks {
  std::function<void(std::string_view)> on_pack;      ///< gets the pack's bytes, piece by piece
  std::function<void(std::string_view)> on_progress;  ///< may be empty; gets the server's raw words
};

/// What an answer to a FetchRequest said, besides the pack, which comes for "done" and after `ready`.
struct FetchReply {
  std::vector<ObjectId> common;  ///< those of our haves that the server has too
  bool ready = false;            ///< it knows enough and sent the pack although it was not told "done"
  bool shallow = false;          ///< the repository has no full history, or not that of what we want

  bool operator==(const FetchReply&) const = default;
};

/// Reads the answer (gitprotocol-v2(5), fetch). feed() and finish() throw ObjectGone when something wanted is
/// not there any longer, otherwise what throw_refusal() says, and Error(transient) for an answer that is
/// damaged, ends early, or holds what was not asked for. A pack is whole only after finish().
class FetchReader {
 public:
  /// The capabilities are those that the request was made with.
  FetchReader(const ServerCapabilities& capabilities, FetchCallbacks callbacks);

  /// Takes the next piece of the body; callbacks happen here.
  void feed(std::string_view bytes);
  /// The body has ended. Call once.
  FetchReply finish();

 private:
  /// In the order in which they come.
  enum class Section { none, acknowledgments, shallow_info, packfile };

  void take(Packet kind, std::string_view payload);
  void take_delimiter();
  void take_flush();
  void take_banded(std::string_view payload);
  void take_text(std::string_view text);
  void begin_section(std::string_view name);
  void take_acknowledgment(std::string_view text);

  FetchCallbacks callbacks_;
  bool all_banded_;
  PacketReader packets_;
  Section section_ = Section::none;
  bool between_sections_ = true;
  bool ended_ = false;
  FetchReply reply_;
};

}  // namespace refsyncd
