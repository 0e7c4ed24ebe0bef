#include "git/libgit2.h"

#include <fmt/format.h>
#include <git2.h>

#include <array>
#include <cstdint>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {
namespace {

enum class NameByte : uint8_t { special, plain, dot, slash };

constexpr auto name_bytes = [] {
  std::array<NameByte, 256> bytes{};
  for (const unsigned char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                        "_-+#=,")) {
    bytes[c] = NameByte::plain;
  }
  bytes['.'] = NameByte::dot;
  bytes['/'] = NameByte::slash;
  return bytes;
}();

/// True for names that are valid beyond doubt, as nearly all are: harmless bytes, and between plain ones
/// single dots and slashes. libgit2 needs three times as long to say so.
bool is_plain_name(std::string_view name) {
  auto last = NameByte::slash;
  for (const unsigned char c : name) {
    const auto kind = name_bytes[c];
    if (kind == NameByte::special || (kind != NameByte::plain && last != NameByte::plain)) return false;
    last = kind;
  }
  return last == NameByte::plain && name.find(".lock") == std::string_view::npos;
}

}  // namespace

void prepare_libgit2() {
  static const int once = [] {
    const int count = git_libgit2_init();
    for (const auto level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
                             GIT_CONFIG_LEVEL_GLOBAL}) {
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    }
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    return count;
  }();
  check_libgit2(once, "starting libgit2");
}

void check_libgit2(int code, std::string_view doing) {
  if (code >= 0) return;
  const auto* error = git_error_last();
  throw Error(ErrorKind::internal,
              fmt::format("{}: {}", doing, printable(error ? error->message : "unknown error", 300)));
}

bool is_valid_ref_name(std::string_view name) {
  constexpr std::string_view never("\0\x7f", 2);  // the first ends libgit2's text, the second it lets pass
  if (!name.starts_with("refs/") || name.find_first_of(never) != std::string_view::npos) return false;
  if (is_plain_name(name)) return true;
  prepare_libgit2();  // it keeps its reasons for a refusal in storage of its own
  int valid = 0;
  return git_reference_name_is_valid(&valid, std::string(name).c_str()) == 0 && valid == 1;
}

}  // namespace refsyncd
