#pragma once
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "http/server.h"

namespace refsyncd {

/// Somebody who is told of events, over real HTTP: answers as the test says, 204 when it says nothing, and
/// remembers what came.
class Receiver {
 public:
  Receiver()
      : server_(ListenSocket::tcp("127.0.0.1:0", "test"), [this](const auto& r) { return serve(r); }) {}

  std::string url() const { return "http://" + server_.address() + "/hook?key=kept"; }

  /// The next requests get these answers, in order.
  void answer_with(std::deque<HttpResponse> answers) {
    const std::lock_guard lock(mutex_);
    answers_ = std::move(answers);
  }
  /// Every request gets this status, until told otherwise; 0 = 204 again.
  void always(int status) {
    const std::lock_guard lock(mutex_);
    always_ = status;
  }

  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  size_t count() const { return requests().size(); }
  /// "<event> <sync id>" of each request.
  std::vector<std::string> told() const {
    std::vector<std::string> told;
    for (const auto& request : requests()) {
      const auto body = nlohmann::json::parse(request.body);
      told.push_back(body["type"].get<std::string>() + " " + body["data"]["sync"]["id"].get<std::string>());
    }
    return told;
  }

 private:
  HttpResponse serve(const HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (always_ != 0) return {.status = always_};
    if (answers_.empty()) return {.status = 204};
    auto answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::deque<HttpResponse> answers_;
  int always_ = 0;
  HttpServer server_;  // last: its threads use everything above
};

}  // namespace refsyncd
