// What a caller of the API sends. The first byte chooses the call; the rest is the body. Whatever it is, it
// is understood or refused with a status of 4xx.
#include <cstdint>

#include "api/api_route.h"
#include "api/body.h"
#include "api/hosting_body.h"
#include "model/ref_globs.h"
#include "require.h"

namespace refsyncd {
namespace {

void read_sync_request(const nlohmann::json& body) {
  const auto request = sync_request_from(body);
  for (const auto* globs : {&request.globs.branches, &request.globs.tags}) {
    for (const auto& glob : *globs) require(glob_problem(glob).empty(), "an accepted glob can match");
  }
}

void read_request(uint8_t call, const std::string& text) {
  const auto body = parse_object(text);
  require(body.is_object(), "a body is an object");
  switch (call % 3) {
    case 0: return read_sync_request(body);
    case 1: return void(new_repo_from(body));
    default: return void(repo_change_from(body));
  }
}

}  // namespace
}  // namespace refsyncd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return -1;
  try {
    refsyncd::read_request(data[0], std::string(data + 1, data + size));
  } catch (const refsyncd::ApiError& error) {
    require(error.status() >= 400 && error.status() < 500, "a body is the caller's fault");
  }
  return 0;
}
