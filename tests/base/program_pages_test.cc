#include "base/program_pages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace refsyncd {
namespace {

/// Kilobytes of files in this process.
long resident_file_pages() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:")) return std::stol(line.substr(8));
  }
  return 0;
}

TEST(ProgramPages, idle_ones_go_and_used_ones_come_back) {
  const auto before = resident_file_pages();
  unmap_idle_program_pages();
  const auto after = resident_file_pages();  // what runs here is back already
  EXPECT_LT(after, before);
  EXPECT_GT(after, 0);
  EXPECT_THROW(throw std::runtime_error("unwinding reads tables"), std::runtime_error);
}

}  // namespace
}  // namespace refsyncd
