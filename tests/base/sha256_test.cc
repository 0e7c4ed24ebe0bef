#include "base/sha256.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

TEST(Sha256, agrees_with_fips_180_4) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, is_the_same_however_the_bytes_come) {
  Sha256 digest;
  for (const auto* piece : {"a", "", "bc"}) digest.update(piece);
  EXPECT_EQ(digest.hex(), sha256_hex("abc"));
}

}  // namespace
}  // namespace refsyncd
