#include "git/ref_way.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace refsyncd {

static void PrintTo(RefWay way, std::ostream* out) {
  *out << (way == RefWay::files ? "files" : way == RefWay::packed ? "packed" : "git");
}

namespace {

struct Row {
  const char* name;
  RefWork work;
  RefWay way;
};

constexpr uint64_t MB = 1 << 20;

const std::vector<Row> rows{
    {"one ref is a file", {.refs = 1}, RefWay::files},
    {"three are files", {.refs = 3}, RefWay::files},
    {"four are worth a small packed-refs", {.refs = 4}, RefWay::packed},
    {"any number is", {.refs = 1'000'000}, RefWay::packed},
    {"seven are not worth one of a megabyte", {.refs = 7, .packed_size = MB}, RefWay::files},
    {"eight are", {.refs = 8, .packed_size = MB}, RefWay::packed},
    {"nor are fifty worth one that is huge", {.refs = 50, .packed_size = 100 * MB}, RefWay::files},
    {"which is left to git from where a file each is dear",
     {.refs = 64, .packed_size = 100 * MB},
     RefWay::git},
    {"until it is worth it", {.refs = 404, .packed_size = 100 * MB}, RefWay::packed},
    {"what has files keeps files", {.refs = 63, .have_files = true}, RefWay::files},
    {"and git writes many of them", {.refs = 64, .have_files = true}, RefWay::git},
    {"one packed ref is deleted in packed-refs", {.refs = 1, .deletes = true}, RefWay::packed},
    {"however large it is", {.refs = 1, .deletes = true, .packed_size = 100 * MB}, RefWay::packed},
    {"a file is deleted by git", {.refs = 1, .deletes = true, .have_files = true}, RefWay::git},
    {"git writes reflogs", {.refs = 1, .plain = false}, RefWay::git},
    {"however many", {.refs = 1000, .plain = false}, RefWay::git},
    {"and when deleting", {.refs = 1, .deletes = true, .plain = false}, RefWay::git},
};

TEST(WayToWrite, IsTheCheapestOfThoseThatAreSafe) {
  for (const auto& row : rows) EXPECT_EQ(way_to_write(row.work), row.way) << row.name;
}

}  // namespace
}  // namespace refsyncd
