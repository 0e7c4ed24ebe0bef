// What anybody may send to /webhooks/<forge>. The first line names the forge and the event, the rest is the
// body.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "forge/notice.h"
#include "forge/subscribers.h"
#include "require.h"

namespace refsyncd {
namespace {

const Secret secret("the secret of the fuzzer");

void judge(Forge forge, const std::string& body, const std::string& guess) {
  const NoticeHeaders guesses{{"x-hub-signature-256", guess},
                              {"x-hub-signature", guess},
                              {"x-gitea-signature", guess},
                              {"x-gitlab-token", guess}};
  require(!genuine(forge, secret, guesses, body), "nobody guesses a signature or token");
}

std::string form_of(const std::string& body) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string form = "payload=";
  for (const unsigned char byte : body) form.append({'%', digits[byte >> 4], digits[byte & 15]});
  return form;
}

/// Nothing when it is about something else, or refused.
std::optional<PushNotice> read(Forge forge, const NoticeHeaders& headers, const std::string& body) {
  try {
    return read_notice(forge, headers, body);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void check(const PushNotice& notice) {
  require(notice.any_ref || !notice.refs.empty(), "a push is about some ref");
  for (const auto* list : {&notice.urls, &notice.refs})
    require(std::find(list->begin(), list->end(), "") == list->end(), "nothing is named by no name");
  require(describe(notice).size() < 2000, "a line of the log stays short");

  Config config;
  auto& repo = config.repos.emplace_back();
  repo.name = "app";
  repo.upstream.emplace().url = "https://git.example/team/app.git";
  auto& policy = config.policies.emplace_back();
  policy.repo = "app";
  for (const auto position : Subscribers(config).of(notice))
    require(position == 0, "a policy is one of ours");
  require(concerns(notice, Policy{}) || !notice.any_ref, "any ref concerns everybody");
}

void receive(Forge forge, const std::string& event, const std::string& body) {
  judge(forge, body, event);
  NoticeHeaders headers{{"x-github-event", event}, {"x-gitea-event", event}, {"x-event-key", event}};
  const auto notice = read(forge, headers, body);
  if (notice) check(*notice);
  headers.emplace("content-type", "application/x-www-form-urlencoded");
  require(read(forge, headers, form_of(body)) == notice, "a form says what its JSON says");
  if (const auto wild = read(forge, headers, body)) check(*wild);
}

}  // namespace
}  // namespace refsyncd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto space = input.find(' ');
  const auto end = input.find('\n');
  if (end == std::string_view::npos || space > end) return -1;
  for (const auto forge : refsyncd::all_forges) {
    if (to_string(forge) != input.substr(0, space)) continue;
    refsyncd::receive(forge, std::string(input.substr(space + 1, end - space - 1)),
                      std::string(input.substr(end + 1)));
    return 0;
  }
  return -1;
}
