#include "git/connectivity.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "git/new_objects.h"

namespace refsyncd {
namespace {

/// More new objects than this, and git is faster in spite of its start.
constexpr size_t most_objects = 5'000;

/// The tips, and that what the target's refs reach is complete. A broken ref of the target promises nothing.
std::string revisions(const ScratchRepository& scratch, std::span<const ObjectId> tips,
                      std::span<const RefValue> held) {
  const auto& reader = scratch.reader();
  std::string text;
  for (const auto& tip : tips) text += tip.hex() + '\n';
  for (const auto& ref : held) {
    if (reader.contains(ref.id)) text += '^' + ref.id.hex() + '\n';
  }
  return text;
}

/// git names the first object it misses, but not what names that.
void ask_git(const GitProgram& git, const ScratchRepository& scratch, std::span<const ObjectId> tips,
             std::span<const RefValue> held, const Operation& operation) {
  const auto finished = git.run(scratch.path(), {"rev-list", "--objects", "--quiet", "--stdin"}, operation,
                                revisions(scratch, tips, held));
  if (finished.ok()) return;
  if (finished.ending != Ending::exited)
    throw classify_git_failure(finished, "checking that nothing is missing");
  throw Error(ErrorKind::transient,
              fmt::format("did not send all necessary objects: {}", printable(trim(finished.error), 300)));
}

}  // namespace

void check_connected(const GitProgram& git, const ScratchRepository& scratch, const IngestResult& ingested,
                     std::span<const ObjectId> tips, std::span<const RefValue> held,
                     const Operation& operation) {
  if (ingested.self_contained && holds_itself(scratch.path(), tips)) return;
  if (ingested.objects <= most_objects && prove_connected(scratch, tips, held)) return;
  ask_git(git, scratch, tips, held, operation);
}

}  // namespace refsyncd
