#include "git/pack_ingest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/error.h"
#include "base/free_space.h"
#include "git/made_pack.h"
#include "git/pack_indexer.h"
#include "git/pack_scan.h"
#include "git/received_pack.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class PackIngestTest : public ReceivedPack, public testing::WithParamInterface<Verify> {
 protected:
  std::vector<std::string> files_in(const ScratchRepository& scratch) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch.path() / "objects/pack"))
      names.push_back(entry.path().filename().string());
    return names;
  }
  Error failure(const std::string& pack, const Operation& operation = {}) const {
    const auto scratch = make_scratch();
    try {
      ingest(scratch, pack, GetParam(), false, operation);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "took the pack";
    return Error(ErrorKind::internal, "");
  }
  std::string noise(size_t bytes) const {
    std::string text;
    unsigned state = 1;
    for (size_t i = 0; i < bytes; ++i)
      text += static_cast<char>('!' + ((state = state * 1103515245 + 12345) >> 16) % 90);
    return text;
  }

  ObjectId old = commit_files({{"a", noise(20'000)}});
  ObjectId next = commit_files({{"a", noise(20'000) + "more\n"}}, {old}, 1);
};

INSTANTIATE_TEST_SUITE_P(BothWays, PackIngestTest, testing::Values(Verify::fsck, Verify::connectivity),
                         [](const auto& row) { return row.param == Verify::fsck ? "fsck" : "connectivity"; });

TEST_P(PackIngestTest, AThinPackIsCompletedAndAdopted) {
  give_target(old);
  const auto pack = pack_of({next}, {old});
  ASSERT_LT(pack.size(), 2'000U) << "not thin: the test proves nothing";
  auto scratch = make_scratch();
  EXPECT_GE(ingest(scratch, pack, GetParam()).objects, 3U);
  EXPECT_TRUE(scratch.reader().contains(next));
  Repository::open(git, target, false).adopt_objects(scratch);
  set_ref(target, "refs/heads/main", next);
  plain_git(target, {"fsck", "--full", "--strict"});
  EXPECT_THAT(plain_git(target, {"cat-file", "blob", next.hex() + ":a"}), testing::EndsWith("more"));
}

TEST_P(PackIngestTest, PacksAreNamedByTheirContentToTheLastByte) {
  const auto pack = pack_of({old});
  const auto scratch = make_scratch();
  ingest(scratch, pack, GetParam());
  std::string trailer;
  for (const char c : pack.substr(pack.size() - 20))
    trailer += fmt::format("{:02x}", static_cast<unsigned char>(c));
  EXPECT_THAT(files_in(scratch), testing::Contains("pack-" + trailer + ".pack"));
}

TEST_P(PackIngestTest, LargePacksAndManyObjectsAreTaken) {
  const auto large = commit_files({{"large", noise(9'000'000)}}, {next}, 2);
  const auto pack = pack_of({large});
  ASSERT_GT(pack.size(), 6'000'000U);
  const auto scratch = make_scratch();
  EXPECT_EQ(ingest(scratch, pack, GetParam()).objects, 9U);
  EXPECT_TRUE(scratch.reader().contains(large));
}

TEST_P(PackIngestTest, APackThatEndsEarlyIsTransientAndLeavesNoPack) {
  const auto pack = pack_of({next});
  for (const size_t length : {size_t{0}, size_t{5}, size_t{40}, pack.size() / 2, pack.size() - 1}) {
    SCOPED_TRACE(length);
    const auto error = failure(pack.substr(0, length));
    EXPECT_EQ(error.kind(), ErrorKind::transient);
    EXPECT_THAT(error.what(), HasSubstr("the pack ended early"));
  }
}

TEST_P(PackIngestTest, AChangedByteAnywhereIsNoticed) {
  const auto pack = pack_of({next});
  for (size_t at = 0; at < pack.size(); at += pack.size() / 12 + 1) {
    SCOPED_TRACE(at);
    auto changed = pack;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    EXPECT_EQ(failure(changed).kind(), ErrorKind::transient);
  }
}

TEST_P(PackIngestTest, AThinPackWithoutItsBaseIsRefused) {
  EXPECT_EQ(failure(pack_of({next}, {old})).kind(), ErrorKind::transient);
}

TEST_P(PackIngestTest, AnEmptyPackIsNoFailure) {
  const auto scratch = make_scratch();
  EXPECT_EQ(ingest(scratch, pack_with({}), GetParam()).objects, 0U);
}

TEST_P(PackIngestTest, ADeadlineEndsTheWaitForThePack) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor writer(ends[1]);
  const auto scratch = make_scratch();
  const auto begun = std::chrono::steady_clock::now();
  try {
    ingest_pack(git, scratch, FileDescriptor(ends[0]), GetParam(), false, {.deadline = begun + 50ms});
    FAIL() << "waited in vain";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::transient);
    EXPECT_THAT(error.what(), HasSubstr("timed out"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_P(PackIngestTest, AStopEndsTheWaitForALargePackToo) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  std::stop_source stop;
  const auto large = commit_files({{"large", noise(9'000'000)}}, {}, 2);
  const auto pack = pack_of({large});
  std::jthread feeder([&, writer = FileDescriptor(ends[1])] {
    for (size_t done = 0; done + 100'000 < pack.size();)
      done += static_cast<size_t>(::write(writer.get(), pack.data() + done, 100'000));
    stop.request_stop();
  });
  const auto scratch = make_scratch();
  EXPECT_THROW(
      ingest_pack(git, scratch, FileDescriptor(ends[0]), GetParam(), false, {.stop = stop.get_token()}),
      Error);
}

TEST_P(PackIngestTest, AFullDiskIsNotFilledFurther) {
  const auto error = failure(pack_of({old}), {.free_floor = space_at(folder.path()).total * 2});
  EXPECT_EQ(error.kind(), ErrorKind::transient);
  EXPECT_THAT(error.what(), HasSubstr("make room"));
}

class PackFsckTest : public PackIngestTest {
 protected:
  ObjectId commit_of_tree(const std::string& entry) const {
    const auto tree = plain_git(source, {"mktree"}, entry + "\n");
    return *ObjectId::from_hex(plain_git(source, {"commit-tree", tree, "-m", "x"}));
  }
  ErrorKind kind_of(const std::string& pack, Verify verify) const {
    const auto scratch = make_scratch();
    try {
      ingest(scratch, pack, verify);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  }
};

INSTANTIATE_TEST_SUITE_P(Fsck, PackFsckTest, testing::Values(Verify::fsck),
                         [](const auto&) { return "fsck"; });

TEST_P(PackFsckTest, BasesThatAreAddedCountToTheLargestPack) {
  give_target(old);
  const auto pack = pack_of({next}, {old});
  ASSERT_LT(pack.size(), 2'000U) << "not thin: the test proves nothing";
  const auto error = failure(pack, {.max_pack_bytes = 10'000});
  EXPECT_EQ(error.kind(), ErrorKind::bad_config) << error.what();
  EXPECT_THAT(error.what(), HasSubstr("'max_pack' under 'upstream'"));
}

TEST_P(PackFsckTest, WhatGitFetchRefusesIsUntrusted) {
  const auto blob = plain_git(source, {"hash-object", "-w", "--stdin"}, "x");
  const auto hostile = commit_of_tree("100644 blob " + blob + "\t.GIT");
  const auto pack = pack_of({hostile});
  const auto error = failure(pack);
  EXPECT_EQ(error.kind(), ErrorKind::untrusted);
  EXPECT_THAT(error.what(), HasSubstr("hasDotgit"));
  const auto scratch = make_scratch();
  EXPECT_NO_THROW(ingest(scratch, pack, Verify::connectivity));
}

TEST_P(PackFsckTest, OldHarmlessFaultsPassAsTheyDoWithGitFetch) {
  const auto tree = plain_git(source, {"rev-parse", old.hex() + "^{tree}"});
  const auto odd_zone = plain_git(source, {"hash-object", "-t", "commit", "-w", "--stdin", "--literally"},
                                  "tree " + tree +
                                      "\nauthor A <a@example.com> 1 +051800\ncommitter A <a@example.com> 1 "
                                      "+051800\n\nx\n");
  const auto scratch = make_scratch();
  EXPECT_NO_THROW(ingest(scratch, pack_of({*ObjectId::from_hex(odd_zone)}), Verify::fsck));
}

TEST_P(PackFsckTest, AnObjectThatIsNamedButMissingIsNoticed) {
  EXPECT_EQ(failure(pack_with({next.hex()})).kind(), ErrorKind::transient);
}

TEST_P(PackFsckTest, ForAnEmptyTargetItTellsWhetherThePackIsSelfContained) {
  const auto whole = make_scratch();
  EXPECT_TRUE(ingest(whole, pack_of({next}), Verify::fsck, true).self_contained);
  give_target(old);
  const auto thin = make_scratch();
  EXPECT_FALSE(ingest(thin, pack_of({next}, {old}), Verify::fsck, true).self_contained);
}

class PackScan : public PackIngestTest {};

INSTANTIATE_TEST_SUITE_P(Scan, PackScan, testing::Values(Verify::connectivity),
                         [](const auto&) { return "connectivity"; });

TEST_P(PackScan, MeasuresObjectsAndWhatDeltasUnpackTo) {
  const auto pack = pack_of({next});
  const auto size = measure_pack(pack, 1 << 20);
  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(size->objects, 6U);
  EXPECT_GT(size->unpacked, 60'000U) << "two files, and the base of the second";
  EXPECT_FALSE(measure_pack(pack, 50'000).has_value());
}

TEST_P(PackScan, SaysNothingOfWhatItCannotFollow) {
  const auto pack = pack_of({next});
  EXPECT_FALSE(measure_pack("", 1 << 20).has_value());
  EXPECT_FALSE(measure_pack(pack + "x", 1 << 20).has_value());
  for (size_t length = 0; length < pack.size(); length += 97)
    EXPECT_FALSE(measure_pack(pack.substr(0, length), 1 << 20).has_value()) << length;
}

/// A pack with a megabyte of zeros, and a few bytes that make so many megabytes of it.
std::string bomb_of(size_t megabytes) {
  constexpr int blob = 3;
  constexpr int delta_to_offset_before = 6;
  const std::string base(size_t{1} << 20, '\0');
  auto delta = packed_number(base.size()) + packed_number(megabytes * base.size());
  for (size_t i = 0; i < megabytes; ++i) delta += "\xC0\x10";  // copy 0x100000 bytes from the start
  const auto first = object_header(blob, base.size()) + deflated(base);
  std::string distance(1, static_cast<char>(first.size() & 0x7F));
  for (auto rest = first.size() >> 7; rest > 0; rest >>= 7)
    distance.insert(distance.begin(), static_cast<char>(0x80 | (--rest & 0x7F)));
  return pack_around(
      2, first + object_header(delta_to_offset_before, delta.size()) + distance + deflated(delta));
}

TEST_P(PackScan, ABombIsLeftToAProcessOfItsOwn) {
  const auto pack = bomb_of(130);
  ASSERT_LT(pack.size(), 10'000U);
  EXPECT_FALSE(measure_pack(pack, 128 << 20).has_value());
  EXPECT_GT(measure_pack(pack, 140 << 20)->unpacked, uint64_t{131} << 20) << "what is made, and its base";
  const auto scratch = make_scratch();
  EXPECT_EQ(ingest(scratch, pack, Verify::connectivity).objects, 2U);
}

TEST_P(PackScan, WhatLibgit2DoesNotTakeLeavesNothing) {
  const auto scratch = make_scratch();
  auto pack = pack_of({next});
  EXPECT_TRUE(index_pack(scratch, pack));
  const auto other = make_scratch();
  pack.back() = static_cast<char>(pack.back() ^ 1);
  EXPECT_FALSE(index_pack(other, pack));
  EXPECT_THAT(files_in(other), IsEmpty());
}

}  // namespace
}  // namespace refsyncd
