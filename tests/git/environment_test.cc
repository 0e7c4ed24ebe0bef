#include "git/environment.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "git/real_git.h"

namespace refsyncd {
namespace {

/// A repository whose own configuration names a program for git to run. Each test shows first that plain git
/// runs it.
class PlantedConfigurationTest : public RealGit {
 protected:
  PlantedConfigurationTest() { write_script(planted, "touch " + (folder / "PWN").string()); }

  void plant(const std::string& key) { plain_git(repository, {"config", key, planted.string()}); }
  bool plain_git_runs_it(const std::vector<std::string>& arguments, const std::string& input = {}) const {
    try {
      plain_git(repository, arguments, input);
    } catch (const std::runtime_error&) {
      // It has run, or it has not: what it says does not count.
    }
    return std::filesystem::remove(folder / "PWN");
  }

  std::filesystem::path repository = make_bare("ours.git");
  std::filesystem::path planted = folder / "planted";
};

TEST_F(PlantedConfigurationTest, AnAlternatesRefsAreReadByGitItself) {
  const auto other = make_bare("another's $(x) \"one\".git");
  const auto one = commit(other, "one");
  set_ref(other, "refs/heads/main", one);
  std::ofstream(repository / "objects/info/alternates") << (other / "objects").string() << '\n';
  plant("core.alternateRefsCommand");
  EXPECT_TRUE(plain_git_runs_it({"rev-list", "--alternate-refs"}));
  const auto finished = git.run(repository, {"rev-list", "--alternate-refs"}, {});
  EXPECT_FALSE(planted_ran());
  EXPECT_EQ(trim(finished.output), one.hex()) << finished.error;
}

TEST_F(PlantedConfigurationTest, NobodyIsAskedForAPassword) {
  plant("core.askPass");
  const std::string question = "protocol=https\nhost=git.example.com\n\n";
  EXPECT_TRUE(plain_git_runs_it({"credential", "fill"}, question));
  auto asking = git.command(repository, {"credential", "fill"}, {});
  std::erase(asking.environment, "GIT_ASKPASS=/bin/false");
  asking.input = question;
  EXPECT_FALSE(run_command(asking).ok());
  EXPECT_FALSE(planted_ran());
}

TEST_F(PlantedConfigurationTest, NoProgramStandsBetweenUsAndAServer) {
  plant("core.gitProxy");
  const std::vector<std::string> arguments{"ls-remote", "git://127.0.0.1:1/app.git"};
  EXPECT_TRUE(plain_git_runs_it(arguments));
  auto listing = git.command(repository, arguments, {}, {{"protocol.git.allow", "always"}});
  std::erase(listing.environment, "GIT_ALLOW_PROTOCOL=none");
  EXPECT_FALSE(run_command(listing).ok());
  EXPECT_FALSE(planted_ran());
}

TEST(ConfigurationFile, HoldsValuesAsTheyAre) {
  EXPECT_EQ(as_config_file({{"a.b", "say \"x\\y\""}}), "[a]\n\tb = \"say \\\"x\\\\y\\\"\"\n");
}

}  // namespace
}  // namespace refsyncd
