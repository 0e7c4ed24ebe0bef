#include "git/wire/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/version.h"
#include "git/wire/refusal.h"
#include "wire_answers.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using namespace std::string_literals;

const std::string one(40, '1');
const std::string two(40, '2');
const ObjectId id_one = *ObjectId::from_hex(one);
const ObjectId id_two = *ObjectId::from_hex(two);
const std::string preamble = "001e# service=git-upload-pack\n0000";

ServiceAdvertisement read(const Pieces& pieces) {
  return read_pieces(ServiceAdvertisementReader({}), pieces);
}

ServiceAdvertisement read_text(const std::string& answer) { return read_however_cut(answer, read); }

const ServerCapabilities everything{.version = 2,
                                    .agent = true,
                                    .object_format = true,
                                    .ls_refs = true,
                                    .ls_refs_unborn = true,
                                    .fetch = true,
                                    .fetch_sideband_all = true};

TEST(ServiceAdvertisement, TellsWhatAVersion2ServerCanDo) {
  const auto answer = preamble +
                      "000eversion 2\n0015agent=git/2.39.5\n0013ls-refs=unborn\n"
                      "0026fetch=shallow filter sideband-all\n0012server-option\n0017object-format=sha1\n"
                      "0010object-info\n0000";
  EXPECT_EQ(read_text(answer), (ServiceAdvertisement{everything, std::nullopt}));
  EXPECT_EQ(read_text(answer.substr(preamble.size())).capabilities, everything) << "without a preamble";
}

TEST(ServiceAdvertisement, TakesNothingForGrantedThatVersion2DoesNotSay) {
  EXPECT_EQ(read_text(preamble + "000dversion 2" + packet("ls-refs") + packet("fetch=sideband-all-of-it\n") +
                      packet("agents=x") + packet("ls-refs-too=unborn") + packet("=") + "0000")
                .capabilities,
            (ServerCapabilities{.version = 2, .ls_refs = true, .fetch = true}));
  EXPECT_EQ(read_text(preamble + "000eversion 2\n0000").capabilities, (ServerCapabilities{.version = 2}));
}

TEST(ServiceAdvertisement, HoldsTheRefsOfOlderVersions) {
  const auto refs =
      packet(two +
             " HEAD\0multi_ack symref=HEAD:refs/heads/main symref=refs/remotes/o/HEAD:refs/heads/x "
             "object-format=sha1 object-format=sha256 agent=git/2.39.5\n"s) +
      packet(two + " refs/heads/main\n") + packet(two + " refs/pull/1/head\n") +
      packet(one + " refs/tags/v1\n") + packet(two + " refs/tags/v1^{}\n") + packet(one + " refs/heads/a");
  const Advertisement expected{
      {{"refs/heads/a", id_one}, {"refs/heads/main", id_two}, {"refs/tags/v1", id_one}}, "refs/heads/main"};
  EXPECT_EQ(read_text(preamble + refs + "0000"), (ServiceAdvertisement{{.version = 0}, expected}));
  EXPECT_EQ(read_text(preamble + "000eversion 1\n" + refs + packet("shallow " + one) + "0000"),
            (ServiceAdvertisement{{.version = 1}, expected}));
}

TEST(ServiceAdvertisement, OfAnEmptyRepositoryHasNoRefs) {
  const ServiceAdvertisement empty{{.version = 0}, Advertisement{}};
  EXPECT_EQ(read_text(preamble + "0000"), empty);
  EXPECT_EQ(read_text(preamble + packet(std::string(40, '0') + " capabilities^{}\0agent=x\n"s) + "0000"),
            empty);
}

TEST(ServiceAdvertisement, OfAnotherObjectFormatIsRefused) {
  for (const auto& answer : {preamble + packet("version 2") + packet("object-format=sha256\n"),
                             preamble + packet(std::string(64, 'a') + " HEAD\0object-format=sha256\n"s),
                             preamble + packet(std::string(64, 'a') + " HEAD\0agent=x\n"s),
                             preamble + packet("version 2") + packet("object-format=\x1b[2Jblake3\n")}) {
    const auto failure = failure_of([&] { read({answer}); });
    EXPECT_EQ(failure.kind, ErrorKind::bad_config);
    EXPECT_THAT(failure.message, HasSubstr("only SHA-1 repositories are supported"));
    EXPECT_EQ(failure.message.find('\x1b'), std::string::npos);
  }
}

TEST(ServiceAdvertisement, ComesFromASmartServerOrNotAtAll) {
  for (const auto& answer :
       {""s, "000"s, "<!DOCTYPE html><html></html>"s, "abcd"s + one.substr(4) + "\trefs/heads/main\n"s,
        "0032" + one.substr(4) + "\trefs/heads/main\n", "0000"s, "001e# wrong"s, "\0\0\0\0\0\0\0\0\0"s}) {
    const auto failure = failure_of([&] { read({answer}); });
    EXPECT_EQ(failure.kind, ErrorKind::not_found) << answer;
    EXPECT_THAT(failure.message, HasSubstr("web page"));
    EXPECT_THAT(failure.message, HasSubstr("dumb protocol"));
  }
}

struct Refusal {
  const char* name;
  const char* words;
  ErrorKind kind;
};
class RefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, HasItsKind) {
  const auto& row = GetParam();
  for (const auto& answer : {packet("ERR "s + row.words), preamble + packet("ERR "s + row.words + "\n"),
                             preamble + packet("version 2") + packet("ERR "s + row.words)}) {
    const auto failure = failure_of([&] { read({answer}); });
    EXPECT_EQ(failure.kind, row.kind);
    EXPECT_THAT(failure.message, HasSubstr("the upstream says: "));
  }
}

INSTANTIATE_TEST_SUITE_P(Words, RefusalTest,
                         testing::Values(Refusal{"not_found", "Repository not found.", ErrorKind::not_found},
                                         Refusal{"denied", "access denied or repository not exported: /x",
                                                 ErrorKind::not_found},
                                         Refusal{"exported", "service not exported", ErrorKind::not_found},
                                         Refusal{"busy", "too many clients", ErrorKind::transient},
                                         Refusal{"silent", "", ErrorKind::transient}),
                         [](const auto& row) { return row.param.name; });

TEST(Refusal, IsPrintableAndCut) {
  const auto failure = failure_of([] { throw_refusal("\x1b[2J" + std::string(5000, 'x')); });
  EXPECT_EQ(failure.message.find('\x1b'), std::string::npos);
  EXPECT_LT(failure.message.size(), 340u);
}

TEST(ServiceAdvertisement, IsRefusedWhenMalformedOrCutShort) {
  const auto first_ref = packet(one + " HEAD\0agent=x\n"s);
  for (const auto& answer : {preamble.substr(0, preamble.size() - 4),
                             preamble.substr(0, preamble.size() - 1),
                             preamble,
                             preamble + "000eversion 2\n",
                             preamble + "000eversion 2\n0013ls-refs",
                             preamble + first_ref,
                             preamble + "000eversion 1\n",
                             preamble + packet("version 3\n") + "0000",
                             preamble + packet("version 1\n") + packet("version 1\n") + "0000",
                             packet("# service=git-receive-pack\n") + "0000000eversion 2\n0000",
                             packet("# service=git-upload-pack\n") + "000eversion 2\n0000",
                             preamble + packet(one + " HEAD\n") + "0000",
                             preamble + packet("x HEAD\0agent=x\n"s) + "0000",
                             preamble + packet(one + "\0agent=x\n"s) + "0000",
                             preamble + first_ref + packet(one) + "0000",
                             preamble + first_ref + packet("garbage") + "0000",
                             preamble + first_ref + "0001" + "0000",
                             preamble + "000eversion 2\n0002",
                             preamble + "000eversion 2\n00000000",
                             preamble + "000eversion 2\n000000",
                             preamble + "000eversion 2\n0003"}) {
    EXPECT_EQ(failure_of([&] { read({answer}); }).kind, ErrorKind::transient) << answer;
  }
}

TEST(ServiceAdvertisement, IsNoLongerThanTheLimits) {
  const auto answer = preamble + packet(one + " refs/heads/a\0agent=x\n"s) + packet(one + " refs/heads/b") +
                      packet(one + " refs/pull/1/head") + "0000";
  const auto read_within = [&](AdvertisementLimits limits) {
    return read_pieces(ServiceAdvertisementReader(limits), {answer});
  };
  EXPECT_THAT(read_within({.max_refs = 2, .max_bytes = answer.size()}).refs->refs, SizeIs(2));
  for (const AdvertisementLimits limits :
       {AdvertisementLimits{.max_refs = 1, .max_bytes = answer.size()},
        AdvertisementLimits{.max_refs = 2, .max_bytes = answer.size() - 1}}) {
    EXPECT_EQ(failure_of([&] { read_within(limits); }).kind, ErrorKind::bad_config);
  }
}

TEST(Command, BeginsWithWhatTheServerTakes) {
  const auto agent = packet("agent=refsyncd/" + std::string(version) + "\n");
  EXPECT_EQ(begin_command(everything, "ls-refs"),
            "0014command=ls-refs\n" + agent + "0017object-format=sha1\n0001");
  EXPECT_EQ(begin_command({.version = 2}, "fetch"), "0012command=fetch\n0001");
}

using ServiceAdvertisementOfGit = RealUploadPack;

TEST_F(ServiceAdvertisementOfGit, IsUnderstoodInEveryVersion) {
  const auto repository = make_bare("upstream");
  const auto commit_id = commit(repository, "one");
  set_ref(repository, "refs/heads/main", commit_id);
  plain_git(repository, {"tag", "-a", "-m", "first", "v1", "main"});
  const Advertisement expected{refs(repository), "refs/heads/main"};
  ASSERT_THAT(expected.refs, SizeIs(2));
  plain_git(repository, {"update-ref", "refs/notes/commits", "main"});

  for (const int number : {0, 1}) {
    EXPECT_EQ(read_text(preamble + upload_pack(repository, number)),
              (ServiceAdvertisement{{.version = number}, expected}));
  }
  auto plain = everything;
  plain.fetch_sideband_all = false;
  EXPECT_EQ(read_text(preamble + upload_pack(repository, 2)).capabilities, plain);
  plain_git(repository, {"config", "uploadpack.allowSidebandAll", "true"});
  EXPECT_EQ(read_text(preamble + upload_pack(repository, 2)).capabilities, everything);
}

TEST_F(ServiceAdvertisementOfGit, OfASha256RepositoryIsRefused) {
  const auto repository = folder / "sha256";
  std::filesystem::create_directories(repository);
  plain_git(repository, {"init", "-q", "--bare", "--object-format=sha256"});
  EXPECT_EQ(failure_of([&] { read({preamble, upload_pack(repository, 2)}); }).kind, ErrorKind::bad_config);
}

}  // namespace
}  // namespace refsyncd
