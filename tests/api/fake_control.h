#pragma once
#include <algorithm>
#include <atomic>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "api/control.h"

namespace refsyncd {

/// Answers what its fields say, and writes down what it was asked. When `problem` is set, every call throws
/// it.
struct FakeControl final : Control {
  std::vector<PolicyStatus> policies = {};
  AgentStatus about = {};
  std::vector<Sync> syncs = {};
  ReloadResult reloaded = {.ok = true};
  Readiness ready = {.ready = true};
  bool turning = true;
  std::string text = "# no metrics\n";
  std::optional<Error> problem = {};

  std::vector<SyncRequest> requests = {};
  std::vector<std::string> triggered = {};
  std::vector<SyncQuery> queries = {};
  std::vector<std::pair<std::string, std::string>> webhooks = {};  // signature and body
  WebhookReply webhook_reply = WebhookReply::taken;
  std::vector<std::pair<Forge, HttpRequest>> notices = {};
  NoticeReply notice_reply = {.verdict = NoticeReply::Verdict::taken, .policies = 0};
  std::atomic<int> calls = 0;

  std::vector<PolicyStatus> status() override { return said(policies); }
  AgentStatus agent() override { return said(about); }
  Sync enqueue(const SyncRequest& request) override {
    requests.push_back(request);
    return said(syncs).at(0);
  }
  void trigger(const std::string& policy) override {
    triggered.push_back(policy);
    said(0);
  }
  std::optional<Sync> sync(const std::string& id) override {
    for (const auto& sync : said(syncs)) {
      if (sync.id == id) return sync;
    }
    return std::nullopt;
  }
  std::vector<Sync> history(const SyncQuery& query) override {
    queries.push_back(query);
    auto all = said(syncs);
    const auto before =
        std::find_if(all.begin(), all.end(), [&](const Sync& s) { return s.id == query.before_id; });
    if (before != all.end()) all.erase(all.begin(), std::next(before));
    all.resize(std::min(all.size(), query.limit));
    return all;
  }
  ReloadResult reload() override { return said(reloaded); }
  WebhookReply webhook(const std::string& signature, const std::string& body) override {
    webhooks.emplace_back(signature, body);
    return said(webhook_reply);
  }
  NoticeReply notice(Forge forge, const HttpRequest& request) override {
    notices.emplace_back(forge, request);
    return said(notice_reply);
  }
  Readiness readiness() override { return said(ready); }
  bool alive() override { return said(turning); }
  std::string metrics() override { return said(text); }

 private:
  template <class Value>
  Value said(const Value& value) {
    ++calls;
    if (problem) throw Error(*problem);
    return value;
  }
};

}  // namespace refsyncd
