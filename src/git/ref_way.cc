#include "git/ref_way.h"

namespace refsyncd {
namespace {

/// From so many refs on the start of git does not matter beside a file for each.
constexpr uint64_t many = 64;
/// A file costs 0.3 ms of CPU and 4 ms of waiting for the disk, a new packed-refs as much as two or three of
/// them, and a millisecond of CPU for each megabyte, which has to be written to the disk as well.
constexpr uint64_t worth_packing = 4;
constexpr uint64_t bytes_worth_a_file = 256 << 10;

}  // namespace

RefWay way_to_write(const RefWork& work) {
  if (!work.plain) return RefWay::git;
  const bool worth = work.deletes || work.refs >= worth_packing + work.packed_size / bytes_worth_a_file;
  if (!work.have_files && worth) return RefWay::packed;
  return work.deletes || work.refs >= many ? RefWay::git : RefWay::files;
}

}  // namespace refsyncd
