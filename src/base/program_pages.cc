#include "base/program_pages.h"

#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <span>

namespace refsyncd {
namespace {

/// The dynamic linker has written into code, which would be lost.
bool has_text_relocations(const dl_phdr_info& object, const ElfW(Phdr) & segment) {
  if (segment.p_type != PT_DYNAMIC) return false;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): as dl_iterate_phdr(3) says
  const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + segment.p_vaddr);
  for (; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_TEXTREL) return true;
    if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
  }
  return false;
}

/// A private mapping of a file that nobody wrote to is read anew from the file.
void unmap(const dl_phdr_info& object, const ElfW(Phdr) & segment, size_t page) {
  if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) return;
  const auto begin = (object.dlpi_addr + segment.p_vaddr) / page * page;
  const auto end = (object.dlpi_addr + segment.p_vaddr + segment.p_memsz + page - 1) / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): addresses are numbers there
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

int unmap_object(dl_phdr_info* object, size_t, void*) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const std::span segments(object->dlpi_phdr, object->dlpi_phnum);
  for (const auto& segment : segments) {
    if (has_text_relocations(*object, segment)) return 0;
  }
  for (const auto& segment : segments) unmap(*object, segment, page);
  return 0;
}

}  // namespace

// No library comes or goes while they are walked through.
void unmap_idle_program_pages() { ::dl_iterate_phdr(unmap_object, nullptr); }

}  // namespace refsyncd
