#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/handle.h"
#include "store/schema.h"

namespace refsyncd {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t largest_checked_file = 64 << 20;
constexpr int busy_seconds = 5;

/// The primary result code of SQLite, 0 when the error is SOCI's own.
int sqlite_code(const soci::soci_error& error) {
  const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  return sqlite != nullptr ? sqlite->result() & 0xFF : 0;
}

sqlite_api::sqlite3* connection(soci::session& session) {
  return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

Error not_usable(const fs::path& file, std::string_view why) {
  return {
      ErrorKind::bad_config,
      fmt::format(
          "{} {}; put a backup in its place, or move it away and start again (repositories stay on the disk; "
          "history, run state and what the API made begin anew)",
          file.string(), why)};
}

/// Made before SQLite opens it, so that no moment exists in which others can read it; -wal and -shm inherit
/// the mode.
void create_private(const fs::path& file) {
  const FileDescriptor created(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (created) return;
  const bool there = errno == EEXIST;
  if (there && ::chmod(file.c_str(), 0600) == 0) return;
  const bool anothers = errno == EACCES || errno == EPERM;
  throw Error(ErrorKind::bad_config, fmt::format("opening {}: {}{}", file.string(), std::strerror(errno),
                                                 anothers ? "; it must belong to the agent's user" : ""));
}

template <class T>
T ask(soci::session& session, const std::string& query) {
  T answer{};
  session << query, soci::into(answer);
  return answer;
}

int checked_version(soci::session& session, const fs::path& file) {
  const int version = ask<int>(session, "PRAGMA user_version");
  if (version > schema_version) {
    // Not even a left-over write-ahead log may be merged into a file that a newer version understands better.
    sqlite_api::sqlite3_db_config(connection(session), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    throw Error(
        ErrorKind::bad_config,
        fmt::format(
            "{} was written by a newer refsyncd (schema {}, this one knows {}); install that version or "
            "choose another data_dir",
            file.string(), version, schema_version));
  }
  if (version == 0 && ask<int>(session, "SELECT count(*) FROM sqlite_master") > 0) {
    throw not_usable(file, "is another program's database");
  }
  return version;
}

void configure(soci::session& session, const fs::path& file) {
  if (const auto mode = ask<std::string>(session, "PRAGMA journal_mode = WAL"); mode != "wal") {
    throw Error(
        ErrorKind::bad_config,
        fmt::format(
            "{}: the file system does not support SQLite's write-ahead log; put data_dir on a local disk",
            file.string()));
  }
  session << "PRAGMA synchronous = FULL";
  session << "PRAGMA foreign_keys = ON";
  session << fmt::format("PRAGMA journal_size_limit = {}", 64 << 20);
}

bool left_uncleanly(const fs::path& file) {
  std::error_code missing;
  const auto size = fs::file_size(file.string() + "-wal", missing);
  return !missing && size > 0;
}

void check_pages(soci::session& session, const fs::path& file) {
  if (fs::file_size(file) > largest_checked_file) return;
  const auto verdict = ask<std::string>(session, "PRAGMA quick_check(1)");
  if (verdict != "ok") throw not_usable(file, fmt::format("is damaged ({})", verdict));
}

std::unique_ptr<soci::session> connect(const fs::path& file) {
  // The connection string quotes the path; it has no way to write a quote inside quotes.
  if (file.string().find('"') != std::string::npos) {
    throw Error(ErrorKind::bad_config,
                fmt::format("{}: data_dir must not hold a double quote", file.string()));
  }
  return std::make_unique<soci::session>(
      *soci::factory_sqlite3(), fmt::format("dbname=\"{}\" timeout={}", file.string(), busy_seconds));
}

}  // namespace

std::unique_ptr<soci::session> open_database(const fs::path& file) try {
  create_private(file);
  const bool unclean = left_uncleanly(file);
  auto session = connect(file);
  const int version = checked_version(*session, file);
  configure(*session, file);
  if (unclean) check_pages(*session, file);
  migrate_schema(*session, version);
  return session;
} catch (const soci::soci_error& error) {
  const int code = sqlite_code(error);
  if (code == SQLITE_NOTADB) throw not_usable(file, "is not a state file of refsyncd");
  if (code == SQLITE_CORRUPT) throw not_usable(file, "is damaged");
  throw database_error(error, fmt::format("opening {}", file.string()));
}

Error database_error(const soci::soci_error& error, std::string_view doing) {
  const int code = sqlite_code(error);
  switch (code) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
      return {ErrorKind::transient, fmt::format("{}: {}", doing, sqlite_api::sqlite3_errstr(code))};
    default: return {ErrorKind::internal, fmt::format("{}: {}", doing, error.get_error_message())};
  }
}

Transaction::Transaction(soci::session& session) : session_(session) {
  session_ << "BEGIN IMMEDIATE";  // takes the write lock now, where waiting for it is possible
}

Transaction::~Transaction() {
  // SQLite has already rolled back by itself after some errors.
  if (open_ && sqlite_api::sqlite3_get_autocommit(connection(session_)) == 0) {
    sqlite_api::sqlite3_exec(connection(session_), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  session_ << "COMMIT";
  open_ = false;
}

}  // namespace refsyncd
