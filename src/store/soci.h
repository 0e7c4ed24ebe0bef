#pragma once
// Debian's SOCI was built with Boost and says so in its configuration, which makes its headers include
// Boost's. Only its templates for Boost types need that; without them the project needs no Boost.
#include <soci/soci-config.h>
#undef SOCI_HAVE_BOOST
#undef SOCI_HAVE_BOOST_DATE_TIME
#include <soci/soci.h>
