#include "git/wire/pkt_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire_answers.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

using Packets = std::vector<std::pair<Packet, std::string>>;

Packets packets_of(const Pieces& pieces) {
  PacketReader reader;
  Packets packets;
  for (const auto piece : pieces) {
    reader.feed(piece, [&](Packet kind, std::string_view payload) { packets.emplace_back(kind, payload); });
  }
  EXPECT_TRUE(reader.between_packets());
  return packets;
}

TEST(PacketReader, KnowsEveryKindOfPacketHoweverTheBytesAreCut) {
  EXPECT_THAT(read_however_cut("0006a\n00000005a0001000bfoobar\n00040002000Abcdef\n", packets_of),
              ElementsAre(Pair(Packet::data, "a\n"), Pair(Packet::flush, ""), Pair(Packet::data, "a"),
                          Pair(Packet::delimiter, ""), Pair(Packet::data, "foobar\n"), Pair(Packet::data, ""),
                          Pair(Packet::response_end, ""), Pair(Packet::data, "bcdef\n")));
  EXPECT_THAT(packets_of({}), IsEmpty());
}

TEST(PacketReader, TakesTheLongestPacketAndNoLonger) {
  const std::string longest(65516, 'x');
  EXPECT_THAT(packets_of({"fff0", longest, "0000"}),
              ElementsAre(Pair(Packet::data, longest), Pair(Packet::flush, "")));
  EXPECT_THROW(packets_of({"fff1", longest}), Error);
}

TEST(PacketReader, DoesNotCopyWhatLiesWholeInABuffer) {
  const std::string_view bytes = "0006ab0005c";
  PacketReader reader;
  std::vector<const char*> starts;
  reader.feed(bytes, [&](Packet, std::string_view payload) { starts.push_back(payload.data()); });
  EXPECT_THAT(starts, ElementsAre(bytes.data() + 4, bytes.data() + 10));
}

TEST(PacketReader, SaysWhetherAPacketHasBegun) {
  PacketReader reader;
  const auto ignore = [](Packet, std::string_view) {};
  EXPECT_TRUE(reader.between_packets());
  for (const auto* piece : {"0", "006", "a"}) {
    reader.feed(piece, ignore);
    EXPECT_FALSE(reader.between_packets()) << piece;
  }
  reader.feed("b", ignore);
  EXPECT_TRUE(reader.between_packets());
}

TEST(PacketReader, RefusesWhatIsNoLength) {
  for (const std::string_view bytes : {"0003", "fff1", "ffff", "00g0", "-001", "+001", "0x10", " 010", "<htm",
                                       "\x1b[2J", "010 ", "0005a<htm"}) {
    const auto failure = failure_of([&] { packets_of({bytes}); });
    EXPECT_EQ(failure.kind, ErrorKind::transient) << bytes;
    EXPECT_THAT(failure.message, HasSubstr("malformed"));
    EXPECT_EQ(failure.message.find('\x1b'), std::string::npos);
    EXPECT_EQ(failure_of([&] { packets_of({bytes.substr(0, 1), bytes.substr(1)}); }), failure);
  }
}

TEST(Packets, AreWrittenWithTheirLength) {
  std::string bytes;
  append_packet(bytes, "command=ls-refs\n");
  append_delimiter(bytes);
  append_packet(bytes, std::string(65516, 'x'));
  append_flush(bytes);
  EXPECT_EQ(bytes, "0014command=ls-refs\n0001fff0" + std::string(65516, 'x') + "0000");
  EXPECT_THROW(append_packet(bytes, ""), Error);
  EXPECT_THROW(append_packet(bytes, std::string(65517, 'x')), Error);
}

TEST(Packets, MayLeaveTheLineFeedOut) {
  EXPECT_EQ(text_of("NAK\n"), "NAK");
  EXPECT_EQ(text_of("NAK"), "NAK");
  EXPECT_EQ(text_of("NAK\n\n"), "NAK\n");
  EXPECT_EQ(text_of(""), "");
}

}  // namespace
}  // namespace refsyncd
