#include "http/http_thread.h"

#include <algorithm>
#include <utility>

#include "base/thread_name.h"

namespace refsyncd {

HttpThread::HttpThread(const Clock& clock, HttpClient::Settings settings, const char* name)
    : clock_(clock),
      settings_(std::move(settings)),
      thread_([this, name](const std::stop_token& stop) { run(stop, name); }) {}

void HttpThread::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  loop_.post([] {});  // wakes it
  thread_.join();
}

HttpClient& HttpThread::client(const Share& share) {
  if (const auto found = clients_.find(share); found != clients_.end()) return *found->second;
  auto settings = settings_;
  settings.ca_file = share.ca_file;
  settings.public_only = share.public_only;
  settings.multiplex = !share.alone;
  auto made = std::make_unique<HttpClient>(loop_, clock_, std::move(settings));
  return *clients_.emplace(share, std::move(made)).first->second;
}

SteadyTime HttpThread::next_wake() const {
  auto next = SteadyTime::max();
  for (const auto& [key, client] : clients_) next = std::min(next, client->next_wake());
  return next;
}

void HttpThread::run(const std::stop_token& stop, const char* name) {
  name_this_thread(name);
  while (!stop.stop_requested()) {
    loop_.run_once(next_wake());
    for (const auto& [key, client] : clients_) client->tick();
  }
  loop_.run_once(SteadyTime::min());  // what was posted may end what it began
  clients_.clear();
}

}  // namespace refsyncd
