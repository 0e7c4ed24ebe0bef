#include "git/smart_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>

#include "git/redactor.h"
#include "git/smart_http_requests.h"
#include "git/wire/ls_refs.h"
#include "http/exchange.h"

namespace refsyncd {
namespace {

constexpr uint64_t most_advertised_beyond_limit = 1 << 20;

/// libcurl opens as many connections to a server without HTTP/2; with it, all share one.
HttpClient::Settings client_settings() {
  HttpClient::Settings settings;
  settings.connections = 16;
  settings.connections_in_all = 1024;
  settings.streams = 100;
  return settings;
}

std::string origin_of_upstream(const Upstream& upstream) { return origin_of(upstream.url).value_or(""); }

bool speaks_version_2(const std::optional<ServerCapabilities>& capabilities) {
  return capabilities && capabilities->version == 2 && capabilities->ls_refs;
}

}  // namespace

/// One list request, from step to step: what the host can do, if that is not known, then the refs. Lives on
/// the HTTP thread, kept alive by the functions of the request that is under way.
class Listing : public std::enable_shared_from_this<Listing> {
 public:
  using Done = std::function<void(SmartHttp::ListAnswer)>;

  Listing(SmartHttp& http, HttpClient& client, SmartHttp::ListRequest request, Done done)
      : http_(http), client_(client), request_(std::move(request)), done_(std::move(done)) {}

  void begin() {
    const auto known = http_.capabilities(request_.upstream);
    remembered_ = speaks_version_2(known);
    remembered_ ? ask(*known) : discover();
  }

 private:
  using Step = std::function<void(const HttpAnswer&)>;

  void discover() {
    remembered_ = false;
    auto reader = std::make_shared<ServiceAdvertisementReader>(request_.limits);
    auto request = request_to(request_.upstream, request_.secret, "info/refs?service=git-upload-pack");
    request.on_body = [reader](std::string_view bytes) {
      reader->feed(bytes);
      return Take::more;
    };
    send(std::move(request), [this, reader](const HttpAnswer&) {
      auto advertised = reader->finish();
      http_.remember(origin_of_upstream(request_.upstream), advertised.capabilities);
      if (advertised.refs) return end(std::move(*advertised.refs));
      if (speaks_version_2(advertised.capabilities)) return ask(advertised.capabilities);
      throw Error(ErrorKind::bad_config, "the server can list no refs");
    });
  }

  void ask(const ServerCapabilities& capabilities) {
    auto reader = std::make_shared<LsRefsReader>(request_.limits);
    auto request = upload_pack_request(request_.upstream, request_.secret,
                                       ls_refs_request(capabilities, request_.prefixes));
    request.on_head = check_result_type;
    request.on_body = [reader](std::string_view bytes) {
      reader->feed(bytes);
      return Take::more;
    };
    send(std::move(request), [this, reader](const HttpAnswer&) { end(reader->finish()); });
  }

  void send(HttpSend request, Step next) {
    request.decompress = true;
    request.timeout = request_.timeout;
    request.answer_limit = request_.limits.max_bytes + most_advertised_beyond_limit;
    client_.send(std::move(request), [self = shared_from_this(), next = std::move(next)](
                                         const HttpAnswer* answer, const HttpTrouble* trouble) {
      self->answered(answer, trouble, next);
    });
  }

  void answered(const HttpAnswer* answer, const HttpTrouble* trouble, const Step& next) {
    try {
      if (trouble != nullptr) throw Error(trouble->failure);
      if (answer->status != 200) throw error_of_status(*answer);
      next(*answer);
    } catch (...) {
      failed(current_failure(), answer != nullptr ? answer->status : 0);
    }
  }

  /// A host that no longer is as we remember it is asked again what it can do.
  void failed(Failure failure, int status) {
    const bool tells_of_us = failure.kind == ErrorKind::auth || failure.kind == ErrorKind::throttled;
    if (remembered_ && !tells_of_us && status < 500) {
      http_.remember(origin_of_upstream(request_.upstream), std::nullopt);
      return discover();
    }
    const Redactor redact(username_of(request_.upstream.auth), request_.secret);
    failure.message =
        redact(fmt::format("listing the refs of {}: {}", request_.upstream.url, failure.message));
    done_({.listed = nullptr, .failure = std::move(failure)});
  }

  void end(Advertisement advertisement) {
    done_({.listed = std::make_shared<const Advertisement>(std::move(advertisement)), .failure = {}});
  }

  SmartHttp& http_;
  HttpClient& client_;
  SmartHttp::ListRequest request_;
  Done done_;
  bool remembered_ = false;  // what the host can do is not fresh
};

SmartHttp::SmartHttp(const Clock& clock) : thread_(clock, client_settings()) {}

void SmartHttp::stop() { thread_.stop(); }

std::optional<ServerCapabilities> SmartHttp::capabilities(const Upstream& upstream) const {
  const std::scoped_lock lock(mutex_);
  const auto found = known_.find(origin_of_upstream(upstream));
  return found == known_.end() ? std::nullopt : std::optional(found->second);
}

void SmartHttp::forget_capabilities(const Upstream& upstream) {
  remember(origin_of_upstream(upstream), std::nullopt);
}

void SmartHttp::remember(const std::string& origin, const std::optional<ServerCapabilities>& capabilities) {
  const std::scoped_lock lock(mutex_);
  if (capabilities) {
    known_.insert_or_assign(origin, *capabilities);
  } else {
    known_.erase(origin);
  }
}

void SmartHttp::list(ListRequest request, std::function<void(ListAnswer)> told) {
  ++listing_;
  auto done = [this, told = std::move(told)](ListAnswer answer) {
    --listing_;
    told(std::move(answer));
  };
  thread_.post([this, request = std::move(request), done = std::move(done)]() mutable {
    try {
      auto& client =
          thread_.client({.ca_file = request.upstream.ca_file, .public_only = request.upstream.public_only});
      std::make_shared<Listing>(*this, client, std::move(request), done)->begin();
    } catch (...) {
      done({.listed = nullptr, .failure = current_failure()});
    }
  });
}

std::shared_ptr<const Advertisement> SmartHttp::list_now(ListRequest request, const Operation& operation) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable_any told;
    std::optional<ListAnswer> answer;
  };
  const auto waiting = std::make_shared<Waiting>();
  const auto doing = fmt::format("listing the refs of {}", request.upstream.url);
  list(std::move(request), [waiting](ListAnswer answer) {
    const std::scoped_lock lock(waiting->mutex);
    waiting->answer = std::move(answer);
    waiting->told.notify_all();
  });
  std::unique_lock lock(waiting->mutex);
  waiting->told.wait_until(lock, operation.stop, operation.deadline,
                           [&] { return waiting->answer.has_value(); });
  if (!waiting->answer) {
    throw Error(ErrorKind::transient,
                doing + (operation.stop.stop_requested() ? ": stopped" : ": it took too long"));
  }
  if (waiting->answer->failure) throw Error(*waiting->answer->failure);
  return waiting->answer->listed;
}

}  // namespace refsyncd
