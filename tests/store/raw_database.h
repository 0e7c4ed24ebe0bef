#pragma once
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/handle.h"

namespace refsyncd {

/// Runs SQL on a database file through a connection of its own; the answer's values, a space between them.
inline std::string run_sql(const std::filesystem::path& file, const std::string& statement) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open(file.c_str(), &opened);
  const Owned<sqlite3, sqlite3_close> connection(opened);
  if (result != SQLITE_OK) throw std::runtime_error("opening the database failed");
  std::string answer;
  const auto collect = [](void* text, int count, char** values, char**) {
    auto& all = *static_cast<std::string*>(text);
    for (int i = 0; i < count; ++i)
      all += (all.empty() ? "" : " ") + std::string(values[i] ? values[i] : "NULL");
    return 0;
  };
  char* problem = nullptr;
  if (sqlite3_exec(connection.get(), statement.c_str(), collect, &answer, &problem) != SQLITE_OK) {
    const Owned<char, sqlite3_free> text(problem);
    throw std::runtime_error(text ? text.get() : "SQL failed");
  }
  return answer;
}

}  // namespace refsyncd
