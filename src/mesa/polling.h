#pragma once
#include <cstddef>

#include "base/clock.h"

namespace refsyncd {

/// How long to wait before a sync of that age is asked for again: a quarter of its age, at least 250 ms and
/// at most 15 s, so that short syncs are noticed soon and long ones cost little. `roll` is a die in [0, 1)
/// that moves it by up to a fifth either way.
milliseconds poll_delay(milliseconds age, double roll);

/// How long to wait between two rounds over pages: as the youngest sync would, but at least 100 ms for each
/// page, and at most 15 s before the die moves it.
milliseconds round_delay(milliseconds youngest, size_t pages, double roll);

/// How long to wait after so many polls in a row were not answered (1 or more): 1 s, doubling, at most 60 s,
/// moved by the die likewise.
milliseconds trouble_delay(int failures, double roll);

/// How syncs in flight are asked for.
enum class Polling {
  singles,  ///< one request each
  pages,    ///< the list of all repositories, whose latest sync each carries
};

/// What the choice depends on.
struct InFlightFacts {
  size_t syncs = 0;  ///< in flight
  size_t repos = 0;  ///< different repositories of theirs; a page shows only the latest sync of each
  size_t pages = 0;  ///< how many pages the list of repositories has, as far as known
};

/// Pages when they cost less than half of what single requests would, and enough is in flight to matter.
Polling choose_polling(const InFlightFacts& facts);

}  // namespace refsyncd
