#include "git/unfit_upstream.h"

#include <fmt/format.h>

#include "base/size.h"

namespace refsyncd {

Error shallow_upstream(std::string_view url) {
  return {ErrorKind::bad_config,
          fmt::format("{} is a shallow repository: it does not have the whole history. Complete it "
                      "there (git fetch --unshallow)",
                      url)};
}

Error pack_too_large(uint64_t most) {
  return {ErrorKind::bad_config,
          fmt::format("the pack is larger than {}; if the upstream is as large as that, allow more with "
                      "'max_pack' under 'upstream'",
                      format_size(most))};
}

}  // namespace refsyncd
