#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/object_id.h"
#include "model/policy.h"
#include "model/sync.h"

namespace refsyncd {

class ScratchRepository;

/// One ref as a side lists it. Full name, raw bytes.
struct RefValue {
  std::string name;
  ObjectId id;
  auto operator<=>(const RefValue&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

/// What an upstream offers: branches and tags sorted by name (no peeled entries), and where its HEAD points.
struct Advertisement {
  std::vector<RefValue> refs;
  std::string head_target;  ///< "refs/heads/main"; "" when HEAD is absent, detached or not told

  bool operator==(const Advertisement&) const = default;
};

/// A move of one ref by compare-and-swap. Absent (all zero) `value` deletes; absent `expected` means it must
/// not exist.
struct RefUpdate {
  std::string name;
  ObjectId value;
  ObjectId expected;
};

/// How the upstream answered one RefUpdate.
struct PushResult {
  std::string name;
  bool accepted = false;
  bool told = true;  ///< false: it took the command and never said what came of it; the ref may hold either
  Reason reason = Reason::remote_refused;  ///< when not accepted: raced or remote_refused (or missing_object)
  std::string detail = {};                 ///< the upstream's words, printable
};

/// How an upstream answered a push.
struct PushAnswer {
  std::vector<PushResult> results;  ///< in the order of the commands; what it did not answer is missing
  std::optional<Failure> failure;   ///< why answers are missing; those refs may have moved all the same
};

/// How much an upstream may list; more is refused (bad_config).
struct AdvertisementLimits {
  size_t max_refs = 100'000;  ///< branches and tags
  size_t max_bytes = 64 << 20;
};

/// Bounds on one sync's dealings with an upstream.
struct Operation {
  SteadyTime deadline = SteadyTime::max();
  std::stop_token stop;
  std::function<void(std::string_view)>
      progress;  ///< may be empty; gets printable one-line progress; any thread
  /// May be empty. Told true once the upstream has said nothing for a second or two, and false when it goes
  /// on, or the call ends; on the thread of the call.
  std::function<void(bool)> kept_waiting = {};
  AdvertisementLimits limits = {};
  uint64_t max_pack_bytes = default_max_pack;  ///< a larger pack is refused (bad_config)
  /// What the upstream listed a moment ago, with the prefixes that will be asked for: the first list() may be
  /// answered from it. nullptr when nothing is known.
  std::shared_ptr<const Advertisement> listed = nullptr;
  /// A fetch leaves so many bytes free on the file system it writes to; nothing: base/free_space's floor.
  std::optional<uint64_t> free_floor = {};
};

/// The transport port: everything we ever ask of an upstream. Calls block until done, honour the Operation
/// they were made with, and throw classified Errors whose messages are printable and free of secrets. One
/// sync uses one Remote, on one thread.
class Remote {
 public:
  virtual ~Remote() = default;

  /// Lists branches and tags whose names start with one of the prefixes (full names). May list more. Over the
  /// wire all refs may travel nevertheless: the prefixes spare the caller, not always the network.
  virtual Advertisement list(std::span<const std::string> prefixes) = 0;

  /// Fetches the named refs with all their objects that the scratch repository's target does not have.
  /// Afterwards the scratch holds each ref under its own name, with the value the upstream had at that moment
  /// (it may have moved since list()), and its objects are fsck'd and connected. A name that vanished
  /// meanwhile is Error(transient).
  virtual void fetch(ScratchRepository& into, std::span<const std::string> names) = 0;

  /// Sends objects and asks for the changes, each on its own: one refusal does not stop the others. Objects
  /// are read through the scratch repository's alternates. A push that fails as a whole, or half way, is told
  /// in the answer: what was answered before holds.
  virtual PushAnswer push(ScratchRepository& from, std::span<const RefUpdate> commands) = 0;
};

}  // namespace refsyncd
