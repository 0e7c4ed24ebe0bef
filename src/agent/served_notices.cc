#include "agent/served_notices.h"

#include <utility>

#include "config/secrets.h"

namespace refsyncd {
namespace {

using Verdict = NoticeReply::Verdict;

}  // namespace

ServedNotices::ServedNotices(const Surroundings& surroundings, std::map<Forge, SecretSource> secrets)
    : around_(surroundings), secrets_(std::move(secrets)) {}

void ServedNotices::configure(const Config& config) {
  if (!secrets_.empty()) subscribers_ = Subscribers(config);
}

NoticeReply ServedNotices::tell(NoticeReceipt receipt, Verdict verdict) {
  around_.calls.ask([this, receipt = std::move(receipt)]() mutable {
    receipt.at = around_.clock.now();
    around_.observer.notice_received(receipt);
  });
  return {.verdict = verdict, .policies = 0};
}

NoticeReply ServedNotices::take(Forge forge, const HttpRequest& request) {
  const auto source = secrets_.find(forge);
  if (source == secrets_.end()) return {.verdict = Verdict::not_wanted, .policies = 0};
  Secret secret;
  try {
    secret = read_secret(source->second);
  } catch (const Error& error) {
    tell({.forge = forge, .result = NoticeResult::unauthorized, .about = error.what()}, Verdict::not_genuine);
    throw Error(ErrorKind::transient, "the secret of this forge cannot be read");
  }
  if (!genuine(forge, secret, request.headers, request.body)) {
    return tell({.forge = forge,
                 .result = NoticeResult::unauthorized,
                 .about = "its signature or token does not fit the secret"},
                Verdict::not_genuine);
  }
  std::optional<PushNotice> notice;
  try {
    notice = read_notice(forge, request.headers, request.body);
  } catch (const Error& error) {
    return tell({.forge = forge, .result = NoticeResult::malformed, .about = error.what()},
                Verdict::malformed);
  }
  if (!notice) {
    return tell({.forge = forge, .result = NoticeResult::ignored, .about = "something else than a push"},
                Verdict::taken);
  }
  return trigger(forge, *notice);
}

NoticeReply ServedNotices::trigger(Forge forge, const PushNotice& notice) {
  return around_.calls.ask([this, forge, notice] {
    if (around_.calls.draining()) throw Error(ErrorKind::transient, "the agent is stopping");
    auto& runner = around_.engine.runner();
    size_t policies = 0;
    for (const auto position : subscribers_.of(notice)) {
      if (!concerns(notice, runner.view(position).policy)) continue;
      runner.hint(position);
      ++policies;
    }
    around_.observer.notice_received(
        {.forge = forge,
         .result = policies > 0 ? NoticeResult::triggered : NoticeResult::ignored,
         .at = around_.clock.now(),
         .about = describe(notice),
         .policies = policies});
    return NoticeReply{.verdict = Verdict::taken, .policies = policies};
  });
}

}  // namespace refsyncd
