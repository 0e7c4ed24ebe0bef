#include "base/temporary_folder.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/file.h"

namespace refsyncd {
namespace {

TEST(A_temporary_folder, is_ours_alone_and_goes_with_all_it_holds) {
  std::optional<TemporaryFolder> folder;
  folder.emplace();
  const auto path = folder->path();
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
  std::filesystem::create_directory(path / "below");
  write_file(path / "below" / "file", "content");
  folder.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace refsyncd
