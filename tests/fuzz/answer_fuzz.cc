// What a hosted service answers. The first byte chooses what was asked for; the rest is the body. Whatever it
// is, it is read whole or refused with an Error; and what was read can be written and read again without a
// change.
#include <cstdint>

#include "contract/repo_json.h"
#include "contract/sync_json.h"
#include "require.h"

namespace refsyncd {
namespace {

void read_sync(const nlohmann::json& value) {
  const auto text = to_json_value(sync_from_json(value)).dump();
  const auto again = to_json_value(sync_from_json(nlohmann::json::parse(text))).dump();
  require(text == again, "a sync that was read is written and read again without a change");
}

void read_repo(const nlohmann::json& value) {
  const auto repo = repo_from_json(value);
  require(!repo.upstream || !repo.upstream->latest_sync || !repo.upstream->latest_sync->id.empty() ||
              value.at("upstream").at("latest_sync").at("id").get<std::string>().empty(),
          "a latest sync has the id that was sent");
}

void read_answer(uint8_t asked_for, const nlohmann::json& value) {
  switch (asked_for % 5) {
    case 0: return read_sync(value);
    case 1: return read_repo(value);
    case 2: return void(repo_page_from_json(value));
    case 3: return void(sync_page_from_json(value));
    default: return void(whoami_from_json(value));
  }
}

}  // namespace
}  // namespace refsyncd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return -1;
  const auto value = nlohmann::json::parse(data + 1, data + size, nullptr, false);
  if (value.is_discarded()) return 0;
  try {
    refsyncd::read_answer(data[0], value);
  } catch (const refsyncd::Error&) {
    // Refused, as it should be. Any other exception ends the program.
  }
  return 0;
}
