#include "git/pack_ingest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "base/text.h"
#include "git/pack_indexer.h"
#include "git/pack_relay.h"
#include "git/pack_scan.h"
#include "git/room.h"
#include "git/unfit_upstream.h"

namespace refsyncd {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view doing = "taking in a pack";
/// Up to this size, and to this one when unpacked, a pack is indexed in process.
constexpr size_t small_pack = size_t{4} << 20;
constexpr uint64_t small_unpacked = uint64_t{128} << 20;
/// With more deltas than this libgit2 may be slow: in a bad order each pass over them resolves one.
constexpr size_t few_deltas = 2000;
constexpr milliseconds patience = std::chrono::milliseconds(100);  // between two looks at what may end us

void check_limits(const Operation& operation) {
  if (operation.stop.stop_requested()) throw Error(ErrorKind::transient, fmt::format("{}: stopped", doing));
  if (steady_clock::now() >= operation.deadline)
    throw Error(ErrorKind::transient, fmt::format("{}: timed out", doing));
}

/// Reads until the end, or until there is more than fits. Returns what was read.
std::string read_small(const FileDescriptor& pack, const Operation& operation) {
  std::string bytes;
  std::array<char, size_t{64} << 10>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  while (bytes.size() <= small_pack) {
    check_limits(operation);
    pollfd readable{pack.get(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(patience.count())) <= 0) continue;
    const auto count = ::read(pack.get(), buffer.data(), buffer.size());
    if (count == 0) return bytes;
    if (count > 0) bytes.append(buffer.data(), static_cast<size_t>(count));
    if (count < 0 && errno != EINTR && errno != EAGAIN)
      throw Error(ErrorKind::internal, fmt::format("{}: {}", doing, std::strerror(errno)));
  }
  return bytes;
}

/// The severities under which `git fetch` looks into objects, as our configuration has them.
std::string strict_option() {
  constexpr std::string_view prefix = "fetch.fsck.";
  std::string severities;
  for (const auto& [key, value] : safe_settings()) {
    if (!key.starts_with(prefix)) continue;
    severities += fmt::format("{}{}={}", severities.empty() ? '=' : ',', key.substr(prefix.size()), value);
  }
  return "--strict" + severities;
}

/// How many objects the pack holds that git has named on its output ("pack\t<id>").
size_t count_objects(const ScratchRepository& scratch, std::string_view output) {
  constexpr std::string_view prefix = "pack\t";
  if (!output.starts_with(prefix))
    throw Error(ErrorKind::internal, fmt::format("{}: git names no pack", doing));
  const auto id = trim(output.substr(prefix.size()));
  std::ifstream file(scratch.path() / "objects/pack" / fmt::format("pack-{}.pack", id), std::ios::binary);
  std::array<char, 12> header{};
  if (!file.read(header.data(), header.size()))
    throw Error(ErrorKind::internal, fmt::format("{}: git's pack cannot be read", doing));
  size_t count = 0;
  for (const char byte : {header[8], header[9], header[10], header[11]})
    count = count << 8 | static_cast<unsigned char>(byte);
  return count;
}

/// Whatever is wrong with a pack, beyond what fsck refuses, may be the way it travelled.
Error failure(const Finished& finished) {
  if (finished.ending == Ending::exited && finished.error.find("early EOF") != std::string::npos)
    return Error(ErrorKind::transient, fmt::format("{}: the pack ended early", doing));
  const auto error = classify_git_failure(finished, doing);
  return error.kind() == ErrorKind::internal ? Error(ErrorKind::transient, error.what()) : error;
}

/// git's own way: a child that reads the pack from its input.
class GitIngest {
 public:
  GitIngest(const GitProgram& git, const ScratchRepository& scratch, Verify verify, bool target_is_empty,
            const Operation& operation)
      : scratch_(scratch), target_is_empty_(target_is_empty), operation_(operation) {
    std::vector<std::string> arguments{"index-pack", "--stdin", "--fix-thin"};
    if (verify == Verify::fsck) arguments.push_back(strict_option());
    if (target_is_empty) arguments.emplace_back("--check-self-contained-and-connected");
    // What is kept is synced when it leaves the scratch repository.
    child_ = git.command(scratch.path(), std::move(arguments), operation, {{"core.fsync", "none"}});
    child_.file_size_limit = operation.max_pack_bytes;
    child_.may_go_on = [this] { return !room_problem(scratch_.path(), operation_); };
  }

  IngestResult take(const FileDescriptor& pack) {
    child_.input_descriptor = pack.get();
    return finish();
  }
  IngestResult take(std::string pack) {
    child_.input = std::move(pack);
    return finish();
  }

 private:
  IngestResult finish() {
    const auto finished = run_command(child_);
    if (finished.ending == Ending::stopped) check_room(scratch_.path(), operation_);
    constexpr int names_others = 1;  // the exit code for a good pack that is not self-contained
    const bool good = finished.ending == Ending::exited &&
                      (finished.code == 0 || (target_is_empty_ && finished.code == names_others));
    if (!good && tells_of_file_size_limit(finished)) throw pack_too_large(operation_.max_pack_bytes);
    if (!good) throw failure(finished);
    return {.objects = count_objects(scratch_, finished.output),
            .self_contained = target_is_empty_ && finished.code == 0};
  }

  const ScratchRepository& scratch_;
  bool target_is_empty_;
  const Operation& operation_;
  Command child_;
};

/// In process when the pack is small; git gets what is not, and what libgit2 does not understand.
IngestResult take_small(GitIngest& by_git, const ScratchRepository& scratch, FileDescriptor pack,
                        const Operation& operation) {
  auto bytes = read_small(pack, operation);
  if (bytes.size() > small_pack) {
    const PackRelay relay(std::move(bytes), std::move(pack));
    return by_git.take(relay.reader());
  }
  const auto size = measure_pack(bytes, small_unpacked);
  if (!size || size->deltas > few_deltas || !index_pack(scratch, bytes)) return by_git.take(std::move(bytes));
  return {.objects = size->objects, .self_contained = false};
}

}  // namespace

IngestResult ingest_pack(const GitProgram& git, const ScratchRepository& scratch, FileDescriptor pack,
                         Verify verify, bool target_is_empty, const Operation& operation) {
  check_room(scratch.path(), operation);
  GitIngest by_git(git, scratch, verify, target_is_empty, operation);
  if (verify == Verify::connectivity) return take_small(by_git, scratch, std::move(pack), operation);
  return by_git.take(pack);
}

}  // namespace refsyncd
