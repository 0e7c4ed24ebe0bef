#include "webhooks/secrets.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>

#include "base/file.h"
#include "base/text.h"

namespace refsyncd {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "webhook-";

Secret random_secret() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    throw Error(ErrorKind::internal, "the system's random generator is not available");
  return Secret("whsec_" + hex_of(bytes));
}

}  // namespace

fs::path WebhookSecrets::file_of(const std::string& target_id) const {
  return folder_ / fmt::format("{}{}", prefix, target_id);
}

Secret WebhookSecrets::make(const std::string& target_id) const {
  auto secret = random_secret();
  write_private_file(file_of(target_id), secret.reveal());
  return secret;
}

std::optional<Secret> WebhookSecrets::read(const std::string& target_id) const {
  if (std::error_code problem; !fs::exists(file_of(target_id), problem)) return std::nullopt;
  return Secret(read_file(file_of(target_id), 4096));
}

void WebhookSecrets::forget(const std::string& target_id) const {
  std::error_code ignored;  // what stays is told of by the next start
  fs::remove(file_of(target_id), ignored);
}

std::vector<fs::path> WebhookSecrets::all_but(const std::set<std::string>& target_ids) const {
  std::vector<fs::path> others;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(prefix) && !target_ids.contains(name.substr(prefix.size())))
      others.push_back(entry.path());
  }
  return others;
}

}  // namespace refsyncd
