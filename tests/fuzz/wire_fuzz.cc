// What a Git server answers over HTTP. The first byte chooses the reader, and the size of the pieces that the
// answer comes in. Whatever comes, it is read whole or refused with an Error, and however it is cut, the same
// is read of it.
#include <cstdint>
#include <string>
#include <variant>

#include "base/error.h"
#include "git/wire/capabilities.h"
#include "git/wire/fetch.h"
#include "git/wire/ls_refs.h"
#include "require.h"

namespace refsyncd {
namespace {

struct Fetched {
  FetchReply reply;
  std::string pack;
  std::string progress;

  bool operator==(const Fetched&) const = default;
};

using Read = std::variant<Failure, ServiceAdvertisement, Advertisement, Fetched>;

template <typename Reader>
auto feed(Reader& reader, std::string_view answer, size_t piece) {
  for (; !answer.empty(); answer.remove_prefix(std::min(piece, answer.size()))) {
    reader.feed(answer.substr(0, piece));
  }
  return reader.finish();
}

Fetched read_fetch(std::string_view answer, size_t piece, bool sideband_all) {
  Fetched fetched;
  FetchReader reader({.version = 2, .fetch = true, .fetch_sideband_all = sideband_all},
                     {.on_pack = [&](std::string_view bytes) { fetched.pack += bytes; },
                      .on_progress = [&](std::string_view words) { fetched.progress += words; }});
  fetched.reply = feed(reader, answer, piece);
  return fetched;
}

Read read(unsigned kind, std::string_view answer, size_t piece) try {
  if (kind == 0) {
    ServiceAdvertisementReader reader({.max_refs = 20});
    return feed(reader, answer, piece);
  }
  if (kind == 1) {
    LsRefsReader reader({.max_refs = 20});
    return feed(reader, answer, piece);
  }
  return read_fetch(answer, piece, kind == 3);
} catch (const Error& error) {  // refused, as it should be; any other exception ends the program
  return error.failure();
}

}  // namespace
}  // namespace refsyncd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return -1;
  const std::string answer(data + 1, data + size);
  const unsigned kind = data[0] % 4;
  const size_t piece = 1 + data[0] / 4 % 16;
  const auto whole = refsyncd::read(kind, answer, answer.size() + 1);
  require(refsyncd::read(kind, answer, piece) == whole, "it does not matter how an answer is cut");
  return 0;
}
