#include "git/wire/ls_refs.h"

#include <git2.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/version.h"
#include "git/libgit2.h"
#include "wire_answers.h"

namespace refsyncd {
namespace {

using testing::SizeIs;

const std::string one(40, '1');
const std::string two(40, '2');
const ObjectId id_one = *ObjectId::from_hex(one);
const ObjectId id_two = *ObjectId::from_hex(two);

const ServerCapabilities plain{.version = 2, .ls_refs = true};
const ServerCapabilities usual{
    .version = 2, .agent = true, .object_format = true, .ls_refs = true, .ls_refs_unborn = true};

Advertisement read(const Pieces& pieces) { return read_pieces(LsRefsReader({}), pieces); }

Advertisement read_text(const std::string& answer) { return read_however_cut(answer, read); }

TEST(LsRefsRequest, AsksForTheRefsBelowThePrefixes) {
  const std::vector<std::string> prefixes{"refs/heads/release-", "refs/tags/v"};
  EXPECT_EQ(ls_refs_request(plain, prefixes),
            "0014command=ls-refs\n"
            "0001"
            "000csymrefs\n"
            "0014ref-prefix HEAD\n"
            "0023ref-prefix refs/heads/release-\n"
            "001bref-prefix refs/tags/v\n"
            "0000");
}

TEST(LsRefsRequest, UsesWhatTheServerOffersAndAsksForAllWithoutPrefixes) {
  EXPECT_EQ(ls_refs_request(usual, {}), "0014command=ls-refs\n" +
                                            packet("agent=refsyncd/" + std::string(version) + "\n") +
                                            "0017object-format=sha1\n"
                                            "0001"
                                            "000csymrefs\n"
                                            "000bunborn\n"
                                            "0014ref-prefix HEAD\n"
                                            "001bref-prefix refs/heads/\n"
                                            "001aref-prefix refs/tags/\n"
                                            "0000");
}

TEST(LsRefsRequest, AsksForAllWhenThereAreTooManyPrefixes) {
  const std::vector<std::string> many(201, "refs/heads/x");
  EXPECT_EQ(ls_refs_request(plain, many), ls_refs_request(plain, {}));
  EXPECT_THAT(ls_refs_request(plain, std::span(many).first(200)), SizeIs(200 * 28 + 60));
}

TEST(LsRefs, AreSortedAndOnlyBranchesTagsAndTheTargetOfHead) {
  EXPECT_EQ(
      read_text(packet(one + " HEAD symref-target:refs/heads/main\n") +
                packet(two + " refs/tags/v1 peeled:" + one + "\n") + packet(one + " refs/heads/main\n") +
                packet(one + " refs/heads/main\n") + packet(two + " refs/pull/1/head\n") +
                packet(two + " refs/heads/alias symref-target:refs/heads/main") + std::string(flush)),
      (Advertisement{{{"refs/heads/alias", id_two}, {"refs/heads/main", id_one}, {"refs/tags/v1", id_two}},
                     "refs/heads/main"}));
  EXPECT_EQ(read_text("0000"), Advertisement{});
}

TEST(LsRefs, TellWhereAnUnbornOrDetachedHeadPoints) {
  EXPECT_EQ(read_text(packet("unborn HEAD symref-target:refs/heads/trunk\n") + "0000"),
            (Advertisement{{}, "refs/heads/trunk"}));
  EXPECT_EQ(read_text(packet(one + " HEAD\n") + packet("unborn refs/heads/x symref-target:refs/heads/y\n") +
                      packet(one + " HEAD symref-target:refs/remotes/o/x\n") + "0000"),
            Advertisement{});
}

TEST(LsRefs, LeaveOutNamesThatNoRepositoryCanHold) {
  std::string answer;
  for (const auto* name :
       {"refs/heads/../../etc", "refs/heads/x.lock", "refs/heads/", "refs/heads/a\x01", "refs/tags/v1^{}",
        "refs/heads/.a", "refs/heads/a..b", "refs/heads/@{", "refs/heads//a", "refs/heads/ok@\xC3\xA4"}) {
    answer += packet(one + " " + name + "\n");
  }
  EXPECT_EQ(read_text(answer + "0000"), (Advertisement{{{"refs/heads/ok@\xC3\xA4", id_one}}, ""}));
}

TEST(LsRefs, AreRefusedWhenMalformedOrCutShort) {
  const auto line = packet(one + " refs/heads/main\n");
  for (const auto& answer :
       {std::string(), line, line.substr(0, line.size() - 1), line + "000", line + "00000000",
        line + "0001" + "0000", line + "0002", line + "0000" + line, line + "0004" + "0000",
        packet("\n") + "0000", packet(one) + "0000", packet(one + " ") + "0000",
        packet(one + "\trefs/heads/main") + "0000", packet("xyz refs/heads/main") + "0000",
        packet(one.substr(1) + "g refs/heads/main") + "0000", std::string("<html></html>"),
        packet("ERR out of order")}) {
    EXPECT_EQ(failure_of([&] { read({answer}); }).kind, ErrorKind::transient) << answer;
  }
}

TEST(LsRefs, ThatEndEarlySaySo) {
  EXPECT_EQ(failure_of([&] { read({packet(one + " refs/heads/main\n")}); }).message,
            "the upstream's answer ended early");
}

TEST(LsRefs, OfARepositoryThatIsGoneOrOfAnotherFormatAreForAPerson) {
  EXPECT_EQ(failure_of([&] { read({packet("ERR Repository not found.")}); }),
            (Failure{ErrorKind::not_found, "the upstream says: Repository not found.", std::nullopt}));
  EXPECT_EQ(failure_of([&] { read({packet(std::string(64, 'a') + " refs/heads/main")}); }).kind,
            ErrorKind::bad_config);
}

TEST(LsRefs, AreNoMoreThanTheLimits) {
  const auto answer = packet(one + " HEAD") + packet(one + " refs/heads/a") + packet(one + " refs/heads/b") +
                      packet(one + " refs/pull/1/head") + "0000";
  const auto read_within = [&](AdvertisementLimits limits) {
    return read_pieces(LsRefsReader(limits), {answer});
  };
  EXPECT_THAT(read_within({.max_refs = 2, .max_bytes = answer.size()}).refs, SizeIs(2));
  EXPECT_EQ(failure_of([&] { read_within({.max_refs = 1}); }),
            (Failure{ErrorKind::bad_config, "the upstream has more than 1 branches and tags", std::nullopt}));
  EXPECT_EQ(failure_of([&] { read_within({.max_bytes = 100}); }),
            (Failure{ErrorKind::bad_config, "the list is longer than 100 bytes", std::nullopt}));
}

/// Names of up to five bytes below refs/heads/, of every sort that the rules tell apart.
TEST(RefNames, AreJudgedAsLibgit2Does) {
  const std::string_view bytes = "a.@{/-#^";
  prepare_libgit2();
  size_t valid_names = 0;
  std::string name;
  for (size_t number = 0; number < 32768; ++number) {
    name = "refs/heads/";
    for (size_t rest = number, i = 0; i < 5; ++i, rest /= 8) name += bytes[rest % 8];
    for (const auto* end : {"", ".lock", ".lock/b"}) {
      const auto whole = name + end;
      int valid = 0;
      ASSERT_EQ(git_reference_name_is_valid(&valid, whole.c_str()), 0);
      ASSERT_EQ(is_valid_ref_name(whole), valid == 1) << whole;
      valid_names += valid;
    }
  }
  EXPECT_GT(valid_names, 1000u);
  using namespace std::string_view_literals;
  for (const auto other : {"HEAD"sv, ""sv, "refs/"sv, "heads/a"sv, "refs/heads/a\0b"sv,
                           "refs/heads/a\x7f"
                           "b"sv}) {
    EXPECT_FALSE(is_valid_ref_name(other)) << other;
  }
}

using LsRefsOfGit = RealUploadPack;

TEST_F(LsRefsOfGit, AreWhatTheRepositoryHolds) {
  const auto repository = make_bare("upstream");
  const auto first = commit(repository, "one");
  for (const auto* name :
       {"refs/heads/main", "refs/heads/feature/a", "refs/heads/release-1", "refs/notes/x"}) {
    set_ref(repository, name, first);
  }
  plain_git(repository, {"tag", "-a", "-m", "first", "v1", "main"});
  const auto all = read_text(upload_pack(repository, 2, ls_refs_request(usual, {})));
  EXPECT_THAT(all.refs, SizeIs(4));
  auto expected = refs(repository);
  std::erase_if(expected, [](const RefValue& ref) { return ref.name == "refs/notes/x"; });
  EXPECT_EQ(all, (Advertisement{expected, "refs/heads/main"}));

  const std::vector<std::string> prefixes{"refs/heads/release-"};
  EXPECT_EQ(read_text(upload_pack(repository, 2, ls_refs_request(plain, prefixes))),
            (Advertisement{{{"refs/heads/release-1", first}}, "refs/heads/main"}));
}

TEST_F(LsRefsOfGit, OfAnEmptyRepositoryTellWhereItsHeadWillBe) {
  const auto repository = make_bare("upstream");
  EXPECT_EQ(read_text(upload_pack(repository, 2, ls_refs_request(usual, {}))),
            (Advertisement{{}, "refs/heads/main"}));
  EXPECT_EQ(read_text(upload_pack(repository, 2, ls_refs_request(plain, {}))), Advertisement{});
}

}  // namespace
}  // namespace refsyncd
