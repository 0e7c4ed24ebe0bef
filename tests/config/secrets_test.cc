#include "config/secrets.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

class ReadSecret : public testing::Test {
 protected:
  SecretSource file(const std::string& content) {
    std::ofstream(folder_ / "secret", std::ios::binary) << content;
    return {SecretSource::Kind::file, (folder_ / "secret").string()};
  }
  /// The message of the error that reading gives; it is always one of kind auth.
  static std::string refusal(const SecretSource& source) {
    try {
      read_secret(source);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::auth);
      return error.what();
    }
    return "accepted";
  }
  std::string path() const { return (folder_ / "secret").string(); }
  TemporaryDirectory folder_;
};

TEST_F(ReadSecret, DoesNotBlameTheSecretForATroubledDisk) {
  try {
    read_secret({SecretSource::Kind::file, "/proc/self/mem"});  // an input/output error to every process
    FAIL() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::transient);
  }
}

TEST_F(ReadSecret, TakesTheFileWithoutItsLastLineBreak) {
  EXPECT_EQ(read_secret(file("t0k=n\n")).reveal(), "t0k=n");
  EXPECT_EQ(read_secret(file("t0k=n\r\n")).reveal(), "t0k=n");
  EXPECT_EQ(read_secret(file("t0k=n")).reveal(), "t0k=n");
  EXPECT_EQ(read_secret(file(" with spaces ")).reveal(), " with spaces ");
}

TEST_F(ReadSecret, ReadsTheFileAgainEachTime) {
  EXPECT_EQ(read_secret(file("old")).reveal(), "old");
  EXPECT_EQ(read_secret(file("new")).reveal(), "new");
}

TEST_F(ReadSecret, RefusesWhatCannotBeASecretWithoutShowingIt) {
  EXPECT_EQ(refusal(file("")), "the secret's file " + path() + " is empty");
  EXPECT_EQ(refusal(file("\n")), "the secret's file " + path() + " is empty");
  const auto several =
      "the secret's file " + path() + " holds a line break or NUL; it must hold the secret alone";
  EXPECT_EQ(refusal(file("s3cr3t\nmore\n")), several);
  EXPECT_EQ(refusal(file("s3cr3t\rmore")), several);
  EXPECT_EQ(refusal(file(std::string("s3cr3t\0more", 11))), several);
  EXPECT_EQ(refusal(file(std::string(70'000, 's'))), "reading " + path() + ": larger than 65536 bytes");
}

TEST_F(ReadSecret, NamesAFileThatIsMissing) {
  EXPECT_EQ(refusal({SecretSource::Kind::file, (folder_ / "none").string()}),
            "reading " + (folder_ / "none").string() + ": No such file or directory");
}

TEST_F(ReadSecret, TakesAnEnvironmentVariable) {
  const SecretSource source{SecretSource::Kind::environment, "REFSYNCD_TEST_SECRET"};
  ::unsetenv("REFSYNCD_TEST_SECRET");
  EXPECT_EQ(refusal(source), "the environment variable REFSYNCD_TEST_SECRET is not set");
  ::setenv("REFSYNCD_TEST_SECRET", "", 1);
  EXPECT_EQ(refusal(source), "the environment variable REFSYNCD_TEST_SECRET is empty");
  ::setenv("REFSYNCD_TEST_SECRET", "t0ken", 1);
  EXPECT_EQ(read_secret(source).reveal(), "t0ken");
  ::unsetenv("REFSYNCD_TEST_SECRET");
}

}  // namespace
}  // namespace refsyncd
