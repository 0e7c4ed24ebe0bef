#include "base/thread_name.h"

#include <pthread.h>

namespace refsyncd {

void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

}  // namespace refsyncd
