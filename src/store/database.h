#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "store/soci.h"

namespace refsyncd {

/// Opens the state file, creating it with mode 0600, and brings its schema up to date. WAL with
/// synchronous=FULL: what was committed survives a crash and a power loss. After an unclean end (a
/// write-ahead log was left behind) files up to 64 MiB are checked page by page before anything is read;
/// larger ones are trusted, because the check reads it all.
///
/// Throws Error(bad_config) with a remedy when the file is not ours, damaged, or of a newer schema (then it
/// is not written to), and what database_error() says otherwise.
std::unique_ptr<soci::session> open_database(const std::filesystem::path& file);

/// What the project makes of a database error: transient when the disk is full, fails or is locked, else
/// internal.
Error database_error(const soci::soci_error& error, std::string_view doing);

/// A write transaction, rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(soci::session& session);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  void commit();

 private:
  soci::session& session_;
  bool open_ = true;
};

}  // namespace refsyncd
