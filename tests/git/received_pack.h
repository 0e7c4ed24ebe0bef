#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <array>
#include <csignal>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "git/pack_ingest.h"
#include "git/real_git.h"

namespace refsyncd {

/// A source repository, a target, and packs that travel from one to the other without a network.
class ReceivedPack : public RealGit {
 protected:
  ReceivedPack() {
    std::signal(SIGPIPE, SIG_IGN);
    plain_git(source, {"config", "uploadpack.allowAnySHA1InWant", "true"});
  }

  /// The pack with what is reachable from `wants` and not from `haves`, thin.
  std::string pack_of(const std::vector<ObjectId>& wants, const std::vector<ObjectId>& haves = {}) const {
    std::string revisions;
    for (const auto& id : wants) revisions += id.hex() + "\n";
    for (const auto& id : haves) revisions += "^" + id.hex() + "\n";
    return raw(source, {"pack-objects", "--revs", "--thin", "--stdout", "-q"}, revisions);
  }
  /// The pack with exactly these objects.
  std::string pack_with(const std::vector<std::string>& ids) const {
    std::string list;
    for (const auto& id : ids) list += id + "\n";
    return raw(source, {"pack-objects", "--stdout", "-q"}, list);
  }
  IngestResult ingest(const ScratchRepository& scratch, const std::string& pack, Verify verify,
                      bool target_is_empty = false, const Operation& operation = {}) const {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    const std::jthread feeder([&pack, writer = FileDescriptor(ends[1])]() mutable {
      for (size_t done = 0; done < pack.size();) {
        const auto count = ::write(writer.get(), pack.data() + done, pack.size() - done);
        if (count <= 0) break;
        done += static_cast<size_t>(count);
      }
      writer.reset();
    });
    return ingest_pack(git, scratch, FileDescriptor(ends[0]), verify, target_is_empty, operation);
  }
  /// Output as it is, to the last byte.
  std::string raw(const std::filesystem::path& repository, std::vector<std::string> arguments,
                  std::string input) const {
    arguments.insert(arguments.begin(), {"/usr/bin/git", "-C", repository.string()});
    const auto finished =
        run_command({.arguments = std::move(arguments),
                     .environment = {"PATH=/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"},
                     .input = std::move(input)});
    if (!finished.ok()) throw std::runtime_error("git: " + finished.error);
    return finished.output;
  }
  using Files = std::map<std::string, std::string>;
  /// Adds a commit with exactly these files (their names may hold slashes) to the source.
  ObjectId commit_files(const Files& files, const std::vector<ObjectId>& parents = {}, int minute = 0) const {
    auto text = fmt::format(
        "reset refs/heads/made\ncommit refs/heads/made\nmark :1\ncommitter Ada <ada@example.com> {} "
        "+0000\ndata 1\nx\n",
        1767600000 + minute * 60);
    for (size_t i = 0; i < parents.size(); ++i)
      text += fmt::format("{} {}\n", i == 0 ? "from" : "merge", parents[i].hex());
    if (!parents.empty()) text += "deleteall\n";
    for (const auto& [name, content] : files)
      text += fmt::format("M 100644 inline {}\ndata {}\n{}\n", name, content.size(), content);
    text += "get-mark :1\n";
    return *ObjectId::from_hex(trim(raw(source, {"fast-import", "--quiet", "--force"}, text)));
  }
  /// What the source calls an object: "COMMIT^{tree}", "COMMIT:name".
  ObjectId named(const std::string& name) const {
    return *ObjectId::from_hex(plain_git(source, {"rev-parse", "--verify", name}));
  }
  /// Brings everything up to a commit into the target, as a branch.
  void give_target(const ObjectId& id, const std::string& branch = "refs/heads/main") const {
    plain_git(target, {"fetch", "-q", source.string(), id.hex()});
    set_ref(target, branch, id);
  }
  ScratchRepository make_scratch() const { return Repository::open(git, target, false).scratch(); }

  std::filesystem::path source = make_bare("source.git");
  std::filesystem::path target = make_bare("target.git");
};

}  // namespace refsyncd
