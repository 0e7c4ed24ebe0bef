#include <gtest/gtest.h>

#include "store/database.h"
// After SOCI's own header: this one includes SQLite's inside a namespace.
#include <soci/sqlite3/soci-sqlite3.h>

namespace refsyncd {
namespace {

TEST(DatabaseError, is_transient_when_it_may_pass) {
  struct Row {
    int code;
    ErrorKind kind;
    const char* message;
  };
  for (const auto& row : {Row{SQLITE_FULL, ErrorKind::transient, "writing: database or disk is full"},
                          Row{SQLITE_IOERR, ErrorKind::transient, "writing: disk I/O error"},
                          Row{SQLITE_IOERR_WRITE, ErrorKind::transient, "writing: disk I/O error"},
                          Row{SQLITE_BUSY, ErrorKind::transient, "writing: database is locked"},
                          Row{SQLITE_LOCKED, ErrorKind::transient, "writing: database table is locked"},
                          Row{SQLITE_CONSTRAINT, ErrorKind::internal, "writing: text"},
                          Row{SQLITE_CORRUPT, ErrorKind::internal, "writing: text"},
                          Row{SQLITE_READONLY, ErrorKind::internal, "writing: text"}}) {
    const auto error = database_error(soci::sqlite3_soci_error("text", row.code), "writing");
    EXPECT_EQ(error.kind(), row.kind) << row.code;
    EXPECT_STREQ(error.what(), row.message);
  }
  EXPECT_EQ(database_error(soci::soci_error("text"), "writing").kind(), ErrorKind::internal);
}

}  // namespace
}  // namespace refsyncd
