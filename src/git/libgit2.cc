#include "git/libgit2.h"

#include <fmt/format.h>
#include <git2.h>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {

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

bool is_valid_ref_name(const std::string& name) {
  int valid = 0;
  return name.starts_with("refs/") && git_reference_name_is_valid(&valid, name.c_str()) == 0 && valid == 1;
}

}  // namespace refsyncd
