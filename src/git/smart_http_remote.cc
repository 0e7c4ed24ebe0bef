#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <set>

#include "base/text.h"
#include "git/connectivity.h"
#include "git/negotiation.h"
#include "git/pack_ingest.h"
#include "git/pack_pipe.h"
#include "git/progress_relay.h"
#include "git/ref_files.h"
#include "git/ref_values.h"
#include "git/room.h"
#include "git/smart_http.h"
#include "git/unfit_upstream.h"

namespace refsyncd {
namespace {

constexpr int pipe_capacity = 1 << 20;

struct Pipe {
  FileDescriptor reading;
  FileDescriptor writing;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(ErrorKind::internal, "making a pipe failed");
  ::fcntl(ends[1], F_SETPIPE_SZ, pipe_capacity);  // best effort
  return {.reading = FileDescriptor(ends[0]), .writing = FileDescriptor(ends[1])};
}

/// True for a repository that was just made: there is nothing but the two folders that git makes, and these
/// are empty. Asking for each object costs a look at the disk.
bool holds_no_objects(const std::filesystem::path& repository) {
  std::error_code unclear;
  const auto is_empty = [&](const char* folder) {
    return std::filesystem::is_empty(repository / "objects" / folder, unclear) && !unclear;
  };
  if (!is_empty("pack") || !is_empty("info")) return false;
  const std::filesystem::directory_iterator entries(repository / "objects", unclear);
  return !unclear && std::distance(begin(entries), end(entries)) == 2;
}

}  // namespace

class SmartHttpRemote final : public Remote {
 public:
  SmartHttpRemote(SmartHttp& http, const GitProgram& git, const Upstream& upstream, Secret secret,
                  Operation operation)
      : http_(http),
        git_(git),
        upstream_(upstream),
        secret_(std::move(secret)),
        operation_(std::move(operation)) {}

  Advertisement list(std::span<const std::string> prefixes) override;
  void fetch(ScratchRepository& into, std::span<const std::string> names) override;
  PushAnswer push(ScratchRepository& from, std::span<const RefUpdate> commands) override {
    return other().push(from, commands);
  }

 private:
  Remote& other();
  milliseconds time_left() const;
  std::vector<RefValue> listed_values(std::span<const std::string> names) const;
  void fetch_listed(ScratchRepository& into, std::span<const std::string> names);
  void fetch_values(ScratchRepository& into, const std::vector<RefValue>& values,
                    const ServerCapabilities& capabilities);
  IngestResult fetch_objects(ScratchRepository& into, const std::vector<ObjectId>& wants,
                             Negotiation& negotiation, bool empty_target,
                             const ServerCapabilities& capabilities);
  void refuse_shallow(const FetchReply& reply) const;
  FetchReply finish(FetchRound& round, const std::optional<Error>& refused) const;
  std::vector<ObjectId> lacking(const ScratchRepository& into, std::span<const RefValue> held,
                                const std::vector<RefValue>& values) const;
  bool are_connected(const ScratchRepository& into, const std::vector<ObjectId>& ids,
                     std::span<const RefValue> held) const;

  SmartHttp& http_;
  const GitProgram& git_;
  Upstream upstream_;
  Secret secret_;
  Operation operation_;
  std::unique_ptr<Remote> other_;
  std::shared_ptr<const Advertisement> listed_;
  std::vector<std::string> prefixes_;
};

Remote& SmartHttpRemote::other() {
  if (!other_) other_ = make_git_program_remote(git_, upstream_, secret_, operation_);
  return *other_;
}

milliseconds SmartHttpRemote::time_left() const {
  constexpr milliseconds longest = std::chrono::hours(24);
  if (operation_.deadline == SteadyTime::max()) return longest;
  const auto left = operation_.deadline - std::chrono::steady_clock::now();
  return std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(1), longest);
}

Advertisement SmartHttpRemote::list(std::span<const std::string> prefixes) {
  prefixes_.assign(prefixes.begin(), prefixes.end());
  listed_ = std::exchange(operation_.listed, nullptr);
  if (!listed_) {
    listed_ = http_.list_now({.upstream = upstream_,
                              .secret = secret_,
                              .prefixes = prefixes_,
                              .limits = operation_.limits,
                              .timeout = time_left()},
                             operation_);
  }
  return *listed_;
}

std::vector<RefValue> SmartHttpRemote::listed_values(std::span<const std::string> names) const {
  std::vector<RefValue> values;
  for (const auto& name : names) {
    const auto value = value_in(listed_->refs, name);
    if (!value) {
      throw Error(ErrorKind::transient, fmt::format("fetching from {}: {} is not there any longer",
                                                    upstream_.url, printable(name, 200)));
    }
    values.push_back({.name = name, .id = *value});
  }
  std::sort(values.begin(), values.end());
  return values;
}

void SmartHttpRemote::fetch(ScratchRepository& into, std::span<const std::string> names) {
  if (names.empty()) return;
  if (!listed_) list(names);
  const auto capabilities = http_.capabilities(upstream_);
  try {
    return fetch_listed(into, names);
  } catch (const ObjectGone&) {
    // It moved since it was listed: what it is now will be there.
    list(std::vector(prefixes_));
  } catch (const NotAnswered&) {
    // What was learnt of the host need not hold for all its repositories, nor for ever.
    http_.forget_capabilities(upstream_);
    list(std::vector(prefixes_));
    if (http_.capabilities(upstream_) == capabilities) throw;
  }
  fetch_listed(into, names);
}

void SmartHttpRemote::fetch_listed(ScratchRepository& into, std::span<const std::string> names) {
  const auto capabilities = http_.capabilities(upstream_);
  if (!capabilities || capabilities->version != 2 || !capabilities->fetch) return other().fetch(into, names);
  fetch_values(into, listed_values(names), *capabilities);
}

/// Of the wanted values those whose objects are not all here: absent ones, and all that no ref names when the
/// history of any of them has gaps.
std::vector<ObjectId> SmartHttpRemote::lacking(const ScratchRepository& into, std::span<const RefValue> held,
                                               const std::vector<RefValue>& values) const {
  std::set<ObjectId> complete;
  for (const auto& ref : held) complete.insert(ref.id);
  const auto& reader = into.reader();
  const bool any_objects = !holds_no_objects(into.target());
  std::set<ObjectId> wants;
  std::set<ObjectId> present;
  for (const auto& [name, id] : values) {
    if (complete.contains(id)) continue;
    (any_objects && reader.contained_when_opened(id) ? present : wants).insert(id);
  }
  if (!present.empty() && !are_connected(into, {present.begin(), present.end()}, held))
    wants.insert(present.begin(), present.end());
  return {wants.begin(), wants.end()};
}

bool SmartHttpRemote::are_connected(const ScratchRepository& into, const std::vector<ObjectId>& ids,
                                    std::span<const RefValue> held) const {
  try {
    check_connected(git_, into, {}, ids, held, operation_);
    return true;
  } catch (const Error&) {
    if (operation_.stop.stop_requested() || std::chrono::steady_clock::now() >= operation_.deadline) throw;
    return false;
  }
}

void SmartHttpRemote::fetch_values(ScratchRepository& into, const std::vector<RefValue>& values,
                                   const ServerCapabilities& capabilities) {
  const auto held = read_refs(into.target());
  const auto wants = lacking(into, held, values);
  if (!wants.empty()) {
    check_room(into.path(), operation_);
    std::vector<std::string> moving;
    for (const auto& value : values) moving.push_back(value.name);
    Negotiation negotiation(into.reader(), held, moving);
    const auto ingested = fetch_objects(into, wants, negotiation, held.empty(), capabilities);
    check_connected(git_, into, ingested, wants, held, operation_);
  }
  into.set_refs(values);
}

void SmartHttpRemote::refuse_shallow(const FetchReply& reply) const {
  if (reply.shallow) throw shallow_upstream(upstream_.url);
}

/// The round's reply. Of two reasons why there is none the one that explains the other: a pack ends early
/// because its transport failed, and a transport ends because the pack was refused.
FetchReply SmartHttpRemote::finish(FetchRound& round, const std::optional<Error>& refused) const {
  if (refused && refused->kind() == ErrorKind::untrusted) throw Error(*refused);
  try {
    auto reply = round.finish(operation_);
    refuse_shallow(reply);
    if (!refused) return reply;
  } catch (const PackNotTaken&) {
    if (!refused) throw;
  }
  throw Error(*refused);
}

IngestResult SmartHttpRemote::fetch_objects(ScratchRepository& into, const std::vector<ObjectId>& wants,
                                            Negotiation& negotiation, bool empty_target,
                                            const ServerCapabilities& capabilities) {
  for (;;) {
    auto haves = negotiation.next_round();
    const bool done = negotiation.exhausted() || haves.empty();
    auto pipe = make_pipe();
    const auto round = http_.fetch(
        {.upstream = upstream_,
         .secret = secret_,
         .capabilities = capabilities,
         .request = {.wants = wants, .haves = std::move(haves), .done = done},
         .pack = std::move(pipe.writing),
         .limit = operation_.max_pack_bytes,
         .timeout = time_left(),
         .on_progress = ProgressRelay(operation_.progress, Redactor(username_of(upstream_.auth), secret_))});
    std::optional<IngestResult> ingested;
    std::optional<Error> refused;
    if (round->wait_for_pack(operation_)) {
      try {
        ingested =
            ingest_pack(git_, into, std::move(pipe.reading), upstream_.verify, empty_target, operation_);
      } catch (const Error& error) {
        refused = error;
      }
    }
    pipe.reading.reset();
    const auto reply = finish(*round, refused);
    if (ingested) return *ingested;
    if (done) {
      throw Error(ErrorKind::transient, fmt::format("fetching from {}: no pack came", upstream_.url));
    }
    negotiation.common(reply.common);
  }
}

std::unique_ptr<Remote> make_remote(SmartHttp& http, const GitProgram& git, const Upstream& upstream,
                                    Secret secret, Operation operation) {
  if (!over_http(upstream.transport)) {
    return make_git_program_remote(git, upstream, std::move(secret), std::move(operation));
  }
  return std::make_unique<SmartHttpRemote>(http, git, upstream, std::move(secret), std::move(operation));
}

}  // namespace refsyncd
