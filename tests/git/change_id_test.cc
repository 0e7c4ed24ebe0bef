#include "git/change_id.h"

#include <gtest/gtest.h>

#include "git/real_git.h"

namespace refsyncd {
namespace {

ObjectId id(std::string_view hex) { return *ObjectId::from_hex(hex); }

TEST(ChangeId, IsMadeFromTheLastSixteenBytesWithAllBitsReversed) {
  EXPECT_EQ(change_id_of(id("ffffffff00000000000000000000000000000000"), {}), root_change_id);
  EXPECT_EQ(change_id_of(id("0000000000000000000000000000000000000001"), {}),
            "rzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")
      << "the last byte's lowest bit is the first byte's highest: 0x80";
  EXPECT_EQ(change_id_of(id("00000000010000000000000000000000000000f0"), {}),
            "zkzzzzzzzzzzzzzzzzzzzzzzzzzzzzrz");
}

TEST(ChangeId, IsWhatJujutsuItselfSays) {
  EXPECT_EQ(change_id_of(id("efdcea5ca4b3658149f899ca7feee6876d077263"), {}),
            "ntvllzotlytssskluwqqykqxryptnmxu")
      << "0xc64ee0b6e16777fe53991f9281a6cd25";
}

TEST(ChangeId, IsTheHeadersWhenThereIsOne) {
  const auto commit = id("0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(change_id_of(commit, "klmnopqrstuvwxyzklmnopqrstuvwxyz"), "klmnopqrstuvwxyzklmnopqrstuvwxyz");
  EXPECT_EQ(change_id_of(commit, "KLMNOPQRSTUVWXYZklmnopqrstuvwxyz"), "klmnopqrstuvwxyzklmnopqrstuvwxyz");
}

TEST(ChangeId, IsNotAHeaderThatHoldsSomethingElse) {
  const auto commit = id("0123456789abcdef0123456789abcdef01234567");
  for (const auto* header : {"", "klm", "0123456789abcdef0123456789abcdef",
                             "I8473b95934b5732ac55d26311a706c9c", "klmnopqrstuvwxyzklmnopqrstuvwxyzk"}) {
    EXPECT_EQ(change_id_of(commit, header), change_id_of(commit, {})) << header;
  }
}

class ChangeIdOfACommit : public RealGit {};

TEST_F(ChangeIdOfACommit, IsReadFromTheRepository) {
  const auto repository = make_bare("app.git");
  const auto plain = commit(repository, "one");
  const auto written = std::string("klmnopqrstuvwxyzklmnopqrstuvwxyz");
  const auto text = plain_git(repository, {"cat-file", "commit", plain.hex()}) + "\n";
  const auto with_header =
      *ObjectId::from_hex(plain_git(repository, {"hash-object", "-t", "commit", "-w", "--stdin"},
                                    std::string(text).insert(text.find("\n\n"), "\nchange-id " + written)));
  const ObjectReader reader(repository);
  EXPECT_EQ(reader.change_id(plain), change_id_of(plain, {}));
  EXPECT_EQ(reader.change_id(with_header), written);
}

}  // namespace
}  // namespace refsyncd
