#include "config/secrets.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace refsyncd {
namespace {

constexpr size_t longest_secret = 64 << 10;

std::string raw_value(const SecretSource& source, const std::string& shown) {
  if (source.kind == SecretSource::Kind::environment) {
    const char* const value = std::getenv(source.name.c_str());
    if (value == nullptr) throw Error(ErrorKind::auth, fmt::format("{} is not set", shown));
    return value;
  }
  try {
    return read_file(source.name, longest_secret);
  } catch (const Error& problem) {
    const bool may_pass = problem.kind() == ErrorKind::transient;
    throw Error(may_pass ? ErrorKind::transient : ErrorKind::auth, printable(problem.what()));
  }
}

}  // namespace

Secret read_secret(const SecretSource& source) {
  const auto shown = fmt::format(
      "{} {}", source.kind == SecretSource::Kind::file ? "the secret's file" : "the environment variable",
      printable(source.name));
  auto value = raw_value(source, shown);
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  if (value.empty()) throw Error(ErrorKind::auth, fmt::format("{} is empty", shown));
  if (value.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) {
    throw Error(ErrorKind::auth,
                fmt::format("{} holds a line break or NUL; it must hold the secret alone", shown));
  }
  return Secret(std::move(value));
}

}  // namespace refsyncd
