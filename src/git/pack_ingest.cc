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
#include "git/plain_pack.h"
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
/// With more objects than this git is faster in spite of its start, and nothing of the pack need be kept for
/// it.
constexpr size_t few_objects = 5'000;
constexpr milliseconds patience = std::chrono::milliseconds(100);  // between two looks at what may end us

void check_limits(const Operation& operation) {
  if (operation.stop.stop_requested()) throw Error(ErrorKind::transient, fmt::format("{}: stopped", doing));
  if (steady_clock::now() >= operation.deadline)
    throw Error(ErrorKind::transient, fmt::format("{}: timed out", doing));
}

constexpr size_t head_bytes = 12;  // "PACK", the version, and the number of objects: gitformat-pack(5)

/// How many objects a pack's head announces; 0 when that is not there yet.
size_t announced_objects(std::string_view pack) {
  constexpr size_t before_number = 8;
  size_t number = 0;
  if (pack.size() < head_bytes) return 0;
  for (const char byte : pack.substr(before_number, head_bytes - before_number))
    number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

/// More than is taken in process, by its bytes or by the number of objects that its head announces.
bool is_large(std::string_view pack) {
  return pack.size() > small_pack || announced_objects(pack) > few_objects;
}

/// Reads until the end, or until the pack is known to be large. Returns what was read.
std::string read_small(const FileDescriptor& pack, const Operation& operation) {
  std::string bytes;
  std::array<char, size_t{64} << 10>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  while (!is_large(bytes)) {
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
  std::array<char, head_bytes> head{};
  if (!file.read(head.data(), head.size()))
    throw Error(ErrorKind::internal, fmt::format("{}: git's pack cannot be read", doing));
  return announced_objects({head.data(), head.size()});
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
      : git_(git),
        scratch_(scratch),
        verify_(verify),
        target_is_empty_(target_is_empty),
        operation_(operation) {}

  /// `announced` objects are sent.
  IngestResult take(const FileDescriptor& pack, size_t announced) const {
    auto child = command();
    child.input_descriptor = pack.get();
    return run(child, announced);
  }
  IngestResult take(std::string pack) const {
    const auto announced = announced_objects(pack);
    auto child = command();
    child.input = std::move(pack);
    return run(child, announced);
  }

 private:
  Command command() const {
    std::vector<std::string> arguments{"index-pack", "--stdin", "--fix-thin"};
    if (verify_ == Verify::fsck) arguments.push_back(strict_option());
    if (target_is_empty_) arguments.emplace_back("--check-self-contained-and-connected");
    // What is kept is synced when it leaves the scratch repository.
    auto child = git_.command(scratch_.path(), std::move(arguments), operation_, {{"core.fsync", "none"}});
    child.file_size_limit = operation_.max_pack_bytes;
    child.may_go_on = [this] { return !room_problem(scratch_.path(), operation_); };
    return child;
  }

  IngestResult run(const Command& child, size_t announced) const {
    const auto finished = run_command(child);
    if (finished.ending == Ending::stopped) check_room(scratch_.path(), operation_);
    constexpr int names_others = 1;  // the exit code for a good pack that is not self-contained
    const bool good = finished.ending == Ending::exited &&
                      (finished.code == 0 || (target_is_empty_ && finished.code == names_others));
    if (!good && tells_of_file_size_limit(finished)) throw pack_too_large(operation_.max_pack_bytes);
    if (!good) throw failure(finished);
    const auto objects = count_objects(scratch_, finished.output);
    // What a base names that was added to a thin pack, git has not looked for.
    return {.objects = objects,
            .self_contained = target_is_empty_ && finished.code == 0 && objects == announced};
  }

  const GitProgram& git_;
  const ScratchRepository& scratch_;
  Verify verify_;
  bool target_is_empty_;
  const Operation& operation_;
};

/// Takes a pack back that index_pack() has put there.
void remove_pack(std::filesystem::path index) {
  std::error_code problem;
  std::filesystem::remove(index, problem);
  if (!problem) std::filesystem::remove(index.replace_extension(".pack"), problem);
  if (problem)
    throw Error(ErrorKind::internal, fmt::format("{}: {}: {}", doing, index.string(), problem.message()));
}

/// What a pack holds that stands in the scratch repository now; nothing when only git may take it.
std::optional<IngestResult> accept(const ScratchRepository& scratch, const std::filesystem::path& index,
                                   const SentPack& sent, Verify verify, const Operation& operation) {
  const auto pack = std::filesystem::path(index).replace_extension(".pack");
  if (std::filesystem::file_size(pack) > operation.max_pack_bytes) return std::nullopt;  // with its bases
  IngestResult result{.objects = sent.objects};
  if (verify == Verify::connectivity) return result;
  // Looked at apart from the scratch's reader, which must not keep what is taken back.
  const auto plain = find_plain(Objects(scratch.path()), index, sent);
  if (!plain) return std::nullopt;
  result.self_contained = plain->self_contained;
  return result;
}

/// In process; nothing, and nothing left, when git is to do it: the pack is large once unpacked, libgit2 does
/// not understand it, or it holds what is not plain.
std::optional<IngestResult> take_in_process(const ScratchRepository& scratch, std::string_view bytes,
                                            Verify verify, const Operation& operation) {
  const auto size = measure_pack(bytes, small_unpacked);
  if (!size || size->deltas > few_deltas) return std::nullopt;
  const auto index = index_pack(scratch, bytes);
  if (!index) return std::nullopt;
  const SentPack sent{.objects = size->objects, .bytes = bytes.size()};
  auto accepted = accept(scratch, *index, sent, verify, operation);
  if (!accepted) remove_pack(*index);
  return accepted;
}

}  // namespace

IngestResult ingest_pack(const GitProgram& git, const ScratchRepository& scratch, FileDescriptor pack,
                         Verify verify, bool target_is_empty, const Operation& operation) {
  check_room(scratch.path(), operation);
  const GitIngest by_git(git, scratch, verify, target_is_empty, operation);
  auto bytes = read_small(pack, operation);
  if (is_large(bytes)) {
    const auto announced = announced_objects(bytes);
    const PackRelay relay(std::move(bytes), std::move(pack));
    return by_git.take(relay.reader(), announced);
  }
  if (const auto taken = take_in_process(scratch, bytes, verify, operation)) return *taken;
  return by_git.take(std::move(bytes));
}

}  // namespace refsyncd
