#pragma once
#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/loop.h"
#include "http/async_client.h"

namespace refsyncd {

/// A thread for requests that may carry a lot, with a loop and clients of its own, so that whoever decides is
/// not kept busy by encryption and bytes. Everything but post() belongs to functions that were posted.
class HttpThread {
 public:
  /// `settings` are those of all clients, but for what client() names. `name` is what the thread is called: a
  /// literal, at most 15 characters. The clock outlives the thread; the process ignores SIGPIPE.
  HttpThread(const Clock& clock, HttpClient::Settings settings, const char* name = "http");
  HttpThread(const HttpThread&) = delete;
  HttpThread& operator=(const HttpThread&) = delete;
  ~HttpThread() { stop(); }

  /// Drops what is under way, and waits for the thread. What is posted later does not run any more.
  void stop();

  /// Runs a function on the thread, in the order posted; it must not throw. Never blocks; from any thread.
  void post(std::function<void()> task) { loop_.post(std::move(task)); }

  Loop& loop() { return loop_; }
  /// Which requests share a client, and so its connections.
  struct Share {
    std::string ca_file;       ///< as HttpClient::Settings
    bool public_only = false;  ///< as HttpClient::Settings
    /// For long answers that their taker may pause: over a connection of its own the server has to wait,
    /// while libcurl goes on to hold what comes over a shared one.
    bool alone = false;
    auto operator<=>(const Share&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
  };
  /// Made when it is first needed; throws Error(internal) when that fails.
  HttpClient& client(const Share& share);

 private:
  void run(const std::stop_token& stop, const char* name);
  SteadyTime next_wake() const;

  const Clock& clock_;
  const HttpClient::Settings settings_;
  Loop loop_;
  std::map<Share, std::unique_ptr<HttpClient>> clients_;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace refsyncd
