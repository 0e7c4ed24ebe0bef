// What anybody may send to /webhooks/mesa: the first line is the signature header, the rest the body.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "contract/signature.h"
#include "contract/webhook_json.h"
#include "require.h"

namespace refsyncd {
namespace {

const Secret secret("the secret of the fuzzer");
constexpr WallTime now{std::chrono::seconds(1767614400)};

void receive(std::string_view header, std::string_view body) {
  const auto ours = sign_webhook(secret, now, body);
  require(check_signature(secret, ours, now, body) == SignatureCheck::good, "our own signature is good");
  require(check_signature(Secret("another"), ours, now, body) != SignatureCheck::good, "nobody else's is");
  require(check_signature(secret, header, now, body) != SignatureCheck::good, "nobody guesses a signature");
  try {
    const auto event = webhook_from_json(std::string(body));
    require(!event.type.starts_with("sync.") || event.sync.has_value(), "an event of a sync has one");
  } catch (const Error&) {
    // Refused, as it should be.
  }
}

}  // namespace
}  // namespace refsyncd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find('\n'), size);
  refsyncd::receive(input.substr(0, end), input.substr(std::min(end + 1, size)));
  return 0;
}
