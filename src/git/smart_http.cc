#include "git/smart_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>

#include "base/sha256.h"
#include "git/redactor.h"
#include "git/smart_http_requests.h"
#include "git/wire/ls_refs.h"
#include "http/exchange.h"

namespace refsyncd {
namespace {

constexpr uint64_t most_advertised_beyond_limit = 1 << 20;

/// A server may have to read many refs, from a slow disk, before it says anything.
constexpr milliseconds longest_silence = std::chrono::minutes(1);

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

/// Reads the refs a server lists, unless the whole answer is the known one.
class AnswerReader {
 public:
  AnswerReader(const AdvertisementLimits& limits, std::string known)
      : limit_(limits.max_bytes), known_(std::move(known)), refs_(limits) {}

  void feed(std::string_view bytes) {
    digest_.update(bytes);
    if (known_.empty() || held_.size() + bytes.size() > limit_) {
      read_on();
      refs_.feed(bytes);
    } else {
      held_ += bytes;
    }
  }

  SmartHttp::ListAnswer finish() {
    auto digest = digest_.hex();
    if (digest == known_) return {.same = true, .digest = std::move(digest)};
    read_on();
    return {.listed = std::make_shared<const Advertisement>(refs_.finish()), .digest = std::move(digest)};
  }

 private:
  /// It is another one, or too long to be held.
  void read_on() {
    known_.clear();
    if (!held_.empty()) refs_.feed(std::exchange(held_, {}));
  }

  const size_t limit_;
  std::string known_;
  Sha256 digest_;
  std::string held_;  // while it may be the known one
  LsRefsReader refs_;
};

}  // namespace

/// One list request, from step to step: what the host can do, if that is not known, then the refs. Lives on
/// the HTTP thread, kept alive by the functions of the request that is under way.
class Listing : public std::enable_shared_from_this<Listing> {
 public:
  using Done = std::function<void(SmartHttp::ListAnswer)>;

  Listing(SmartHttp& http, HttpClient& client, SmartHttp::ListRequest request, Done done)
      : http_(http),
        client_(client),
        request_(std::move(request)),
        deadline_(http.clock_.steady() + request_.timeout),
        done_(std::move(done)) {}

  void begin() {
    const auto known = http_.capabilities(request_.upstream);
    remembered_ = speaks_version_2(known);
    remembered_ ? ask(*known) : discover();
  }

 private:
  /// What a step came to; nothing when another one follows.
  using Told = std::optional<SmartHttp::ListAnswer>;
  using Step = std::function<Told()>;

  void discover() {
    remembered_ = false;
    auto reader = std::make_shared<ServiceAdvertisementReader>(request_.limits);
    auto request = request_to(request_.upstream, request_.secret, "info/refs?service=git-upload-pack");
    request.on_body = [reader](std::string_view bytes) {
      reader->feed(bytes);
      return Take::more;
    };
    send(std::move(request), [this, reader]() -> Told {
      auto advertised = reader->finish();
      http_.remember(origin_of_upstream(request_.upstream), advertised.capabilities);
      if (advertised.refs) {
        return SmartHttp::ListAnswer{.listed =
                                         std::make_shared<const Advertisement>(std::move(*advertised.refs))};
      }
      if (!speaks_version_2(advertised.capabilities))
        throw Error(ErrorKind::bad_config, "the server can list no refs");
      ask(advertised.capabilities);
      return std::nullopt;
    });
  }

  void ask(const ServerCapabilities& capabilities) {
    auto reader = std::make_shared<AnswerReader>(request_.limits, request_.known);
    auto request = upload_pack_request(request_.upstream, request_.secret,
                                       ls_refs_request(capabilities, request_.prefixes));
    request.on_head = [this](const HttpHead& head) {
      told_something_ = true;
      check_result_type(head);
    };
    request.on_body = [reader](std::string_view bytes) {
      reader->feed(bytes);
      return Take::more;
    };
    send(std::move(request), [reader]() -> Told { return reader->finish(); });
  }

  void send(HttpSend request, Step next) {
    request.decompress = true;
    request.timeout =
        std::max(std::chrono::ceil<milliseconds>(deadline_ - http_.clock_.steady()), milliseconds(1));
    request.first_byte = longest_silence;
    request.stall = longest_silence;
    request.answer_limit = request_.limits.max_bytes + most_advertised_beyond_limit;
    client_.send(std::move(request), [self = shared_from_this(), next = std::move(next)](
                                         const HttpAnswer* answer, const HttpTrouble* trouble) {
      self->answered(answer, trouble, next);
    });
  }

  void answered(const HttpAnswer* answer, const HttpTrouble* trouble, const Step& next) {
    Told told;
    try {
      if (trouble != nullptr) throw Error(trouble->failure);
      if (answer->status != 200) throw error_of_status(*answer);
      told = next();
    } catch (...) {
      told = failed(current_failure(), answer != nullptr ? answer->status : 0);
    }
    if (told) done_(std::move(*told));
  }

  /// A host that no longer is as we remember it is asked again what it can do. Until it says otherwise, it is
  /// remembered for its other repositories.
  Told failed(Failure failure, int status) {
    const bool tells_of_us = failure.kind == ErrorKind::auth || failure.kind == ErrorKind::throttled;
    if (remembered_ && told_something_ && !tells_of_us && status < 500) {
      discover();
      return std::nullopt;
    }
    const Redactor redact(username_of(request_.upstream.auth), request_.secret);
    failure.message =
        redact(fmt::format("listing the refs of {}: {}", request_.upstream.url, failure.message));
    return SmartHttp::ListAnswer{.failure = std::move(failure)};
  }

  SmartHttp& http_;
  HttpClient& client_;
  SmartHttp::ListRequest request_;
  SteadyTime deadline_;
  Done done_;
  bool remembered_ = false;      // what the host can do is not fresh
  bool told_something_ = false;  // it answered, whatever that was
};

SmartHttp::SmartHttp(const Clock& clock) : clock_(clock), thread_(clock, client_settings(), "git-http") {}

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
      done({.failure = current_failure()});
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
