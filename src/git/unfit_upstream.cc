#include "git/unfit_upstream.h"

#include <fmt/format.h>

namespace refsyncd {

Error shallow_upstream(std::string_view url) {
  return {ErrorKind::bad_config,
          fmt::format("{} is a shallow repository: it does not have the whole history. Complete it "
                      "there (git fetch --unshallow)",
                      url)};
}

}  // namespace refsyncd
