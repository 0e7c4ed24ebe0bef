#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/subprocess.h"
#include "base/text.h"
#include "git/program.h"
#include "git/repository.h"
#include "support/temporary_directory.h"

namespace refsyncd {

/// Real repositories in a folder of the test's own, made and looked at with plain git.
class RealGit : public testing::Test {
 protected:
  /// Runs plain git with a user's environment; throws when it fails. Returns its output without the last line
  /// break.
  std::string plain_git(const std::filesystem::path& repository, std::vector<std::string> arguments,
                        std::string input = {}) const {
    Command command{
        .arguments = std::move(arguments), .environment = user_environment(), .input = std::move(input)};
    command.arguments.insert(command.arguments.begin(), {"/usr/bin/git", "-C", repository.string()});
    const auto finished = run_command(command);
    if (!finished.ok()) throw std::runtime_error("git " + command.arguments[3] + ": " + finished.error);
    return std::string(trim(finished.output));
  }

  std::filesystem::path make_bare(const std::string& name) const {
    auto path = folder / name;
    std::filesystem::create_directories(path);
    plain_git(path, {"init", "-q", "--bare", "--template=", "-b", "main"});
    return path;
  }

  /// Adds a commit object with one file, without moving a ref.
  ObjectId commit(const std::filesystem::path& repository, const std::string& content,
                  const std::vector<ObjectId>& parents = {}) const {
    const auto blob = plain_git(repository, {"hash-object", "-w", "--stdin"}, content);
    const auto tree = plain_git(repository, {"mktree"}, "100644 blob " + blob + "\tfile\n");
    std::vector<std::string> arguments{"commit-tree", tree, "-m", content};
    for (const auto& parent : parents) arguments.insert(arguments.end(), {"-p", parent.hex()});
    return *ObjectId::from_hex(plain_git(repository, arguments));
  }

  void set_ref(const std::filesystem::path& repository, const std::string& name,
               const ObjectId& value) const {
    std::string line = "update " + name;
    line += '\0';
    line += value.hex();
    line += '\0';
    line += '\0';
    plain_git(repository, {"update-ref", "--stdin", "-z"}, line);
  }

  std::vector<RefValue> refs(const std::filesystem::path& repository) const {
    return ObjectReader(repository).refs_below("refs/");
  }

  /// Writes an executable shell script.
  void write_script(const std::filesystem::path& path, const std::string& body) const {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "#!/bin/sh\n" << body;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  /// Git finds nothing wrong with a repository.
  void expect_sound(const std::filesystem::path& repository) const {
    EXPECT_EQ(plain_git(repository, {"fsck", "--full", "--strict", "--no-dangling"}), "");
  }

  bool planted_ran() const { return std::filesystem::exists(folder / "PWN"); }

  TemporaryDirectory folder;
  GitProgram git{folder / "state"};

 private:
  std::vector<std::string> user_environment() const {
    // The C library's padding: fast-import gives memory back and asks for it again with each object
    // otherwise.
    return {"PATH=/usr/bin:/bin",
            "MALLOC_TOP_PAD_=67108864",
            "HOME=" + folder.path().string(),
            "GIT_CONFIG_NOSYSTEM=1",
            "GIT_AUTHOR_NAME=Ada",
            "GIT_AUTHOR_EMAIL=ada@example.com",
            "GIT_COMMITTER_NAME=Ada",
            "GIT_COMMITTER_EMAIL=ada@example.com",
            "GIT_AUTHOR_DATE=1767600000 +0000",
            "GIT_COMMITTER_DATE=1767600000 +0000",
            "LC_ALL=C"};
  }
};

}  // namespace refsyncd
