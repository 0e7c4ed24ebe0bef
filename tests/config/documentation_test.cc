#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/keys.h"
#include "parse.h"

namespace refsyncd {
namespace {

std::string documentation() {
  std::ifstream file(std::string(REFSYNCD_SOURCE_DIR) + "/docs/configuration.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The indented blocks that are whole configuration files.
std::vector<std::string> shown_files() {
  std::vector<std::string> blocks{""};
  std::istringstream lines(documentation());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("    ")) {
      blocks.back() += line.substr(4) + "\n";
    } else if (line.empty() && !blocks.back().empty()) {
      blocks.back() += "\n";
    } else if (!blocks.back().empty()) {
      blocks.emplace_back();
    }
  }
  std::erase_if(blocks,
                [](const std::string& block) { return block.find("\npolicies:") == std::string::npos; });
  return blocks;
}

TEST(Documentation, ShowsFilesThatAreGood) {
  const auto files = shown_files();
  EXPECT_EQ(files.size(), 2U);
  for (const auto& file : files) EXPECT_EQ(mistakes(file), std::vector<std::string>{}) << file;
}

TEST(Documentation, ExplainsEveryKey) {
  const auto text = documentation();
  for (const ConfigKeys keys :
       {ConfigKeys(keys::service), ConfigKeys(keys::http), ConfigKeys(keys::log), ConfigKeys(keys::metrics),
        ConfigKeys(keys::api), ConfigKeys(keys::api_token), ConfigKeys(keys::webhooks),
        ConfigKeys(keys::repo), ConfigKeys(keys::upstream), ConfigKeys(keys::auth),
        ConfigKeys(keys::policy)}) {
    for (const auto& key : keys) {
      EXPECT_NE(text.find("\n| `" + std::string(key.name)), std::string::npos) << key.name << " has no row";
    }
  }
  for (const auto& key : keys::file) {
    EXPECT_NE(text.find("\n## " + std::string(key.name)), std::string::npos) << key.name << " has no section";
  }
}

}  // namespace
}  // namespace refsyncd
