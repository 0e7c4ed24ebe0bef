#pragma once

namespace refsyncd {

/// Names the calling thread, for top, ps and debuggers: at most 15 characters.
void name_this_thread(const char* name);

}  // namespace refsyncd
