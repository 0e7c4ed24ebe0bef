#pragma once

namespace refsyncd {

/// Takes the program's and its libraries' unwritable pages out of this process: a program touches most of
/// them as it starts (the dynamic linker's tables, what libraries set up, reading the configuration) and few
/// ever after. Those come back from the page cache when they are used, some microseconds for 64 KiB; the
/// others no longer count as memory of the process, and the system may take them without asking it. Any
/// thread.
void unmap_idle_program_pages();

}  // namespace refsyncd
