#pragma once

namespace refsyncd {

/// Has the C library keep some tens of megabytes of freed memory for the next use, instead of giving them
/// back to the system each time: a list of many refs comes and goes with every sync, and fresh pages cost
/// more than reading it. To be called once, before other threads begin.
void keep_freed_memory();

/// Gives back what is kept now. After work that is not soon repeated and took much more memory than it left
/// in use, as reading a large configuration does.
void give_back_freed_memory();

}  // namespace refsyncd
