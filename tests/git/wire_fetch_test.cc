#include "git/wire/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/version.h"
#include "wire_answers.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string one(40, '1');
const std::string two(40, '2');
const ObjectId id_one = *ObjectId::from_hex(one);
const ObjectId id_two = *ObjectId::from_hex(two);

const ServerCapabilities plain{.version = 2, .fetch = true};
const ServerCapabilities banded{.version = 2, .fetch = true, .fetch_sideband_all = true};

/// All that a FetchReader gives.
struct Fetched {
  FetchReply reply;
  std::string pack;
  std::string progress;

  bool operator==(const Fetched&) const = default;
};

Fetched read_with(const ServerCapabilities& capabilities, const Pieces& pieces) {
  Fetched fetched;
  FetchReader reader(capabilities,
                     {.on_pack = [&](std::string_view bytes) { fetched.pack += bytes; },
                      .on_progress = [&](std::string_view words) { fetched.progress += words; }});
  for (const auto piece : pieces) reader.feed(piece);
  fetched.reply = reader.finish();
  return fetched;
}

Fetched read(const Pieces& pieces) { return read_with(plain, pieces); }

Fetched read_text(const std::string& answer) { return read_however_cut(answer, read); }

Fetched read_banded(const std::string& answer) {
  return read_however_cut(answer, [](const Pieces& pieces) { return read_with(banded, pieces); });
}

TEST(FetchRequest, SaysWhatIsWantedAndHad) {
  EXPECT_EQ(fetch_request(plain, {.wants = {id_one, id_two}, .haves = {id_two}, .done = true}),
            "0012command=fetch\n"
            "0001"
            "000ethin-pack\n"
            "000eofs-delta\n"
            "0032want " +
                one + "\n0032want " + two + "\n0032have " + two + "\n0009done\n0000");
}

TEST(FetchRequest, UsesWhatTheServerOffers) {
  auto capabilities = banded;
  capabilities.agent = capabilities.object_format = true;
  EXPECT_EQ(fetch_request(capabilities, {.wants = {id_one}}),
            "0012command=fetch\n" + packet("agent=refsyncd/" + std::string(version) + "\n") +
                "0017object-format=sha1\n"
                "0001"
                "000ethin-pack\n"
                "000eofs-delta\n"
                "0011sideband-all\n"
                "0032want " +
                one + "\n0000");
}

TEST(FetchReader, PassesThePackAndProgressOn) {
  const auto fetched = read_text("000dpackfile\n" + packet("\2Counting") + packet("\1PA") + packet("\1") +
                                 packet("\2 objects\r") + packet("\1CK") + "0000");
  EXPECT_EQ(fetched, (Fetched{{}, "PACK", "Counting objects\r"}));
}

TEST(FetchReader, TellsWhatIsCommonWhenNegotiationHasToGoOn) {
  EXPECT_EQ(read_text("0014acknowledgments\n0008NAK\n0000"), Fetched{});
  EXPECT_EQ(read_text("0014acknowledgments\n" + packet("ACK " + one + "\n") + packet("ACK " + two) + "0000"),
            (Fetched{{.common = {id_one, id_two}}, "", ""}));
}

TEST(FetchReader, TakesThePackOfAServerThatKnowsEnough) {
  const auto fetched =
      read_text("0014acknowledgments\n" + packet("ACK " + one + "\n") +
                "000aready\n0001"
                "0011shallow-info\n" +
                packet("shallow " + two + "\n") + "0001000dpackfile\n" + packet("\1PACK") + "0000");
  EXPECT_EQ(fetched, (Fetched{{.common = {id_one}, .ready = true, .shallow = true}, "PACK", ""}));
}

TEST(FetchReader, TakesAnAnswerWithABandInEveryPacket) {
  const auto fetched =
      read_banded(packet("\2waiting") + packet("\2") + packet("\1acknowledgments\n") + packet("\1ready\n") +
                  "0001" + packet("\2\n") + packet("\1packfile\n") + packet("\1PACK") + "0000");
  EXPECT_EQ(fetched, (Fetched{{.ready = true}, "PACK", "waiting\n"}));
}

TEST(FetchReader, NeedsNobodyWhoListensToProgress) {
  std::string pack;
  FetchReader reader(plain, {.on_pack = [&](std::string_view bytes) { pack += bytes; }});
  reader.feed("000dpackfile\n" + packet("\2words") + packet("\1PACK") + "0000");
  EXPECT_EQ(reader.finish(), FetchReply{});
  EXPECT_EQ(pack, "PACK");
}

TEST(FetchReader, PassesOnWhatTheServerRefuses) {
  const auto words = "\3fatal: \x1b[2Jout of memory\n" + std::string(2000, 'x');
  for (const auto& answer : {"000dpackfile\n" + packet("\1PA") + packet(words), packet("ERR " + words)}) {
    const auto failure = failure_of([&] { read({answer}); });
    EXPECT_EQ(failure.kind, ErrorKind::transient);
    EXPECT_THAT(failure.message, StartsWith("the upstream says: "));
    EXPECT_THAT(failure.message, HasSubstr("fatal: \\x1b[2Jout of memory"));
    EXPECT_LT(failure.message.size(), 340u);
  }
  EXPECT_EQ(failure_of([&] { read_with(banded, {packet("\3Repository not found")}); }).kind,
            ErrorKind::not_found);
}

TEST(FetchReader, KnowsWhenAWantedObjectIsGone) {
  EXPECT_THROW(read({packet("ERR upload-pack: not our ref " + one)}), ObjectGone);
  EXPECT_THROW(read({packet("ERR want " + one + " not valid\n")}), ObjectGone);
  EXPECT_THROW(read_with(banded, {packet("\3upload-pack: not our ref " + one)}), ObjectGone);
  EXPECT_THROW(read({"000dpackfile\n" + packet("\3git upload-pack: not our ref " + one)}), ObjectGone);
  try {
    read({packet("ERR Repository not found")});
    FAIL();
  } catch (const ObjectGone&) {
    FAIL();
  } catch (const Error&) {
  }
}

TEST(FetchReader, RefusesAnswersThatAreMalformedCutShortOrNotAskedFor) {
  const std::string acknowledged = "0014acknowledgments\n";
  const std::string pack = "000dpackfile\n" + packet("\1PACK");
  const auto with_flush = [](const std::string& text) { return text + "0000"; };
  for (const auto& answer :
       {std::string(),
        std::string("0000"),
        std::string("0001"),
        pack,
        pack + "000",
        pack + "00000000",
        pack + "0000" + packet("\1more"),
        pack + "0001" + "0000",
        pack + "0002",
        acknowledged,
        with_flush(acknowledged + "000aready\n"),
        acknowledged + "000aready\n0001" + "0000",
        acknowledged + "00010001" + pack + "0000",
        acknowledged + "0001",
        with_flush(acknowledged + "0004"),
        with_flush(acknowledged + packet("ACK " + one.substr(1))),
        with_flush(acknowledged + packet("ACK " + one + " common")),
        with_flush(acknowledged + packet("what")),
        acknowledged + "0001" + acknowledged + "0000",
        with_flush("0011shallow-info\n"),
        "0011shallow-info\n0001" + acknowledged + "0000",
        with_flush("0011shallow-info\n" + packet("unshallow " + one) + "0001" + pack),
        with_flush(packet("wanted-refs\n") + packet(one + " refs/heads/a\n") + "0001" + pack),
        with_flush(packet("packfile-uris\n") + packet(one + " https://elsewhere/\n") + "0001" + pack),
        with_flush("000dpackfile\n" + packet("PACK")),
        with_flush("000dpackfile\n0004"),
        std::string("<html></html>")}) {
    EXPECT_EQ(failure_of([&] { read({answer}); }).kind, ErrorKind::transient) << answer;
  }
  EXPECT_EQ(failure_of([&] { read_with(banded, {pack, "0000"}); }).kind, ErrorKind::transient);
}

TEST(FetchReader, BoundsWhatItKeeps) {
  FetchReader reader(plain, {.on_pack = [](std::string_view) {}});
  reader.feed("0014acknowledgments\n");
  const auto line = packet("ACK " + one);
  for (int i = 0; i < 100'000; ++i) reader.feed(line);
  EXPECT_THROW(reader.feed(line), Error);
}

class FetchFromGit : public RealUploadPack {
 protected:
  void SetUp() override {
    upstream = make_bare("upstream");
    first = commit(upstream, "one");
    second = commit(upstream, "two", {first});
    set_ref(upstream, "refs/heads/main", second);
  }

  Fetched fetch(const FetchRequest& request, const ServerCapabilities& capabilities = plain) const {
    const auto answer = upload_pack(upstream, 2, fetch_request(capabilities, request));
    const auto read = [&](const Pieces& pieces) { return read_with(capabilities, pieces); };
    return read_however_cut(answer, read);
  }

  std::filesystem::path upstream;
  ObjectId first;
  ObjectId second;
};

TEST_F(FetchFromGit, BringsAWholeHistory) {
  for (const auto& capabilities : {plain, banded}) {
    plain_git(upstream, {"config", "uploadpack.allowSidebandAll", "true"});
    const auto fetched = fetch({.wants = {second}, .done = true}, capabilities);
    EXPECT_EQ(fetched.reply, FetchReply{});
    EXPECT_THAT(fetched.progress, HasSubstr("objects"));
    const auto copy = make_bare(capabilities.fetch_sideband_all ? "banded" : "plain");
    plain_git(copy, {"index-pack", "--stdin", "--strict"}, fetched.pack);
    plain_git(copy, {"rev-list", "--objects", second.hex()});
  }
}

TEST_F(FetchFromGit, BringsOnlyWhatIsNew) {
  const auto fetched = fetch({.wants = {second}, .haves = {first}});
  EXPECT_EQ(fetched.reply, (FetchReply{.common = {first}, .ready = true}));
  EXPECT_LT(fetched.pack.size(), fetch({.wants = {second}, .done = true}).pack.size());
}

TEST_F(FetchFromGit, NegotiatesUntilItIsTold) {
  EXPECT_EQ(fetch({.wants = {second}, .haves = {id_one}}), Fetched{});
  EXPECT_NE(fetch({.wants = {second}, .haves = {id_one}, .done = true}).pack, "");
}

TEST_F(FetchFromGit, SaysWhenAnObjectIsGone) {
  EXPECT_THROW(fetch({.wants = {id_one}, .done = true}), ObjectGone);
  plain_git(upstream, {"config", "uploadpack.allowSidebandAll", "true"});
  EXPECT_THROW(fetch({.wants = {id_one}, .done = true}, banded), ObjectGone);
}

TEST_F(FetchFromGit, SaysThatARepositoryIsShallow) {
  plain_git(folder.path(),
            {"clone", "-q", "--bare", "--depth", "1", "file://" + upstream.string(), "shallow"});
  upstream = folder / "shallow";
  EXPECT_EQ(fetch({.wants = {second}, .done = true}).reply, (FetchReply{.shallow = true}));
}

}  // namespace
}  // namespace refsyncd
