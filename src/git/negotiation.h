#pragma once
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "git/objects.h"
#include "git/remote.h"
#include "git/repository.h"

namespace refsyncd {

/// What we tell a server that we have, so that it sends little more than what we lack. Offers the
/// repository's refs first, those about to move before the rest, and then their history from new to old, in
/// growing steps: what the server knows is mostly near, and in a rewritten history the common part may be
/// far.
class Negotiation {
 public:
  /// `held` are the repository's refs; `moving` the names (sorted) that are about to be fetched. A ref whose
  /// object is missing is not offered: the server would leave out what we need. The reader must stay.
  Negotiation(const ObjectReader& repository, std::span<const RefValue> held,
              std::span<const std::string> moving);
  ~Negotiation();
  Negotiation(const Negotiation&) = delete;
  Negotiation& operator=(const Negotiation&) = delete;

  /// The haves of the next round: what the server said to have too, and more than was offered before.
  std::vector<ObjectId> next_round();
  /// The server has these. Throws Error(transient) when one of them was never offered.
  void common(std::span<const ObjectId> ids);
  /// Nothing is left to offer, or so much was offered in vain that the pack had better be sent.
  bool exhausted() const;

 private:
  struct History;
  void offer(const ObjectId& id, std::vector<ObjectId>& round);
  std::optional<ObjectId> next_of_history();

  const ObjectReader& repository_;
  std::vector<ObjectId> tips_;
  size_t next_tip_ = 0;
  std::unique_ptr<History> history_;
  bool history_over_ = false;
  ObjectIdSet offered_;
  std::vector<ObjectId> common_;
  ObjectIdSet known_common_;
  size_t rounds_ = 0;
};

}  // namespace refsyncd
