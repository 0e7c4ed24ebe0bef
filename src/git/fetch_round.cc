#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>

#include "git/kept_waiting.h"
#include "git/pack_pipe.h"
#include "git/redactor.h"
#include "git/smart_http.h"
#include "git/smart_http_requests.h"
#include "git/unfit_upstream.h"

namespace refsyncd {
namespace {

using std::chrono::steady_clock;

/// Of an answer: what was found in common, and progress. Packets' heads are a share of the pack.
constexpr uint64_t most_beside_pack = uint64_t{64} << 20;

/// What the thread that asked and the HTTP thread share.
struct Shared {
  std::mutex mutex;
  std::condition_variable_any told;
  bool pack_began = false;
  bool over = false;
  bool not_answered = false;  // the trouble is one of the answer's own, before any pack
  FetchReply reply;
  std::exception_ptr trouble;
  std::function<void(std::string_view)> on_progress;  // empty once nobody listens

  void tell(const std::function<void()>& change) {
    const std::scoped_lock lock(mutex);
    change();
    told.notify_all();
  }

  /// The listener is called under a lock, so that it is not while it goes away.
  std::mutex listening;
  std::atomic<bool> heard = false;  // a line, since somebody looked
  void progress(std::string_view line) {
    heard = true;
    const std::scoped_lock lock(listening);
    if (on_progress) on_progress(line);
  }
  void listen_no_more() {
    const std::scoped_lock lock(listening);
    on_progress = nullptr;
  }
};

/// A round on the HTTP thread. Kept alive by the functions of its request, and by whoever holds the answer
/// back.
class Round : public std::enable_shared_from_this<Round> {
 public:
  Round(HttpClient& client, Loop& loop, SmartHttp::FetchCall call, std::shared_ptr<Shared> shared)
      : client_(client),
        call_(std::move(call)),
        shared_(std::move(shared)),
        pipe_(std::make_unique<PackPipe>(loop, std::move(call_.pack), [this] { has_room(); })),
        reader_(call_.capabilities,
                {.on_pack = [this](std::string_view bytes) { take_pack(bytes); },
                 .on_progress = [this](std::string_view line) { shared_->progress(line); }}) {}

  void begin() {
    auto request =
        upload_pack_request(call_.upstream, call_.secret, fetch_request(call_.capabilities, call_.request));
    request.timeout = call_.timeout;
    request.first_byte = call_.timeout;  // a server may count objects for long
    request.stall = std::chrono::seconds(60);
    request.answer_limit = call_.limit + call_.limit / 8 + most_beside_pack;
    request.on_head = check_result_type;
    request.on_body = [this](std::string_view bytes) { return take(bytes); };
    request_ = client_.send(std::move(request), [self = shared_from_this()](const HttpAnswer* answer,
                                                                            const HttpTrouble* trouble) {
      self->answered(answer, trouble);
    });
  }

  /// Nobody waits any more.
  void drop() {
    client_.cancel(request_);
    held_back_.reset();
    pipe_.reset();
  }

 private:
  Take take(std::string_view bytes) {
    try {
      reader_.feed(bytes);
    } catch (...) {
      refuse();
      throw;
    }
    return pipe_->full() ? Take::pause : Take::more;
  }

  void take_pack(std::string_view bytes) {
    if (!std::exchange(pack_began_, true)) shared_->tell([&] { shared_->pack_began = true; });
    pack_bytes_ += bytes.size();
    if (pack_bytes_ > call_.limit) throw pack_too_large(call_.limit);
    pipe_->write(bytes);
  }

  /// What is read is not what was asked for.
  void refuse() {
    trouble_ = std::current_exception();
    not_answered_ = !pack_began_;
  }

  void has_room() {
    if (over_) return end();
    client_.resume(request_);
  }

  void answered(const HttpAnswer* answer, const HttpTrouble* trouble) {
    try {
      if (trouble_) std::rethrow_exception(trouble_);
      if (trouble != nullptr) throw Error(trouble->failure);
      if (answer->status != 200) throw error_of_status(*answer);
      end_reading();
    } catch (...) {
      trouble_ = std::current_exception();
    }
    over_ = true;
    if (!trouble_ && pipe_->full()) {
      held_back_ = shared_from_this();  // until the pipe has taken the rest
      return;
    }
    end();
  }

  void end_reading() {
    try {
      reply_ = reader_.finish();
    } catch (...) {
      refuse();
      throw;
    }
  }

  void end() {
    const auto self = shared_from_this();
    held_back_.reset();
    pipe_.reset();  // closes it: the pack's end
    shared_->tell([&] {
      shared_->over = true;
      shared_->reply = std::move(reply_);
      shared_->trouble = trouble_;
      shared_->not_answered = not_answered_;
    });
  }

  HttpClient& client_;
  SmartHttp::FetchCall call_;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<PackPipe> pipe_;
  FetchReader reader_;
  HttpClient::RequestId request_{};
  bool pack_began_ = false;
  uint64_t pack_bytes_ = 0;
  bool over_ = false;
  bool not_answered_ = false;
  FetchReply reply_;
  std::exception_ptr trouble_;
  std::shared_ptr<Round> held_back_;
};

/// The asking thread's end of a round.
class AskedRound final : public FetchRound {
 public:
  AskedRound(HttpThread& thread, SmartHttp::FetchCall call)
      : thread_(thread), redact_(username_of(call.upstream.auth), call.secret), url_(call.upstream.url) {
    shared_->on_progress = std::move(call.on_progress);
    // std::function wants what can be copied
    const auto shared_call = std::make_shared<SmartHttp::FetchCall>(std::move(call));
    thread_.post([this_round = round_, shared = shared_, shared_call, &thread] {
      try {
        auto& client = thread.client({.ca_file = shared_call->upstream.ca_file,
                                      .public_only = shared_call->upstream.public_only,
                                      .alone = true});
        *this_round = std::make_shared<Round>(client, thread.loop(), std::move(*shared_call), shared);
        (*this_round)->begin();
      } catch (...) {
        shared->tell([&] {
          shared->over = true;
          shared->trouble = std::current_exception();
        });
      }
    });
  }

  ~AskedRound() override {
    shared_->listen_no_more();
    thread_.post([round = round_] {
      if (*round) (*round)->drop();
      round->reset();
    });
  }

  bool wait_for_pack(const Operation& operation) override {
    KeptWaiting waiting(operation.kept_waiting);
    std::unique_lock lock(shared_->mutex);
    wait(
        lock, operation, [&] { return shared_->pack_began || shared_->over; },
        [&] {
          if (shared_->heard.exchange(false)) waiting.heard();
          waiting.look();
        });
    return shared_->pack_began;
  }

  FetchReply finish(const Operation& operation) override {
    std::unique_lock lock(shared_->mutex);
    wait(lock, operation, [&] { return shared_->over; });
    if (!shared_->trouble) return shared_->reply;
    try {
      std::rethrow_exception(shared_->trouble);
    } catch (const ObjectGone& gone) {
      throw ObjectGone(told(gone.failure()));
    } catch (const PackNotTaken&) {
      throw;
    } catch (...) {
      const auto failure = told(current_failure());
      if (shared_->not_answered) throw NotAnswered(failure);
      throw Error(failure);
    }
  }

 private:
  /// As it is told to others: a server's words may hold whatever we sent it.
  Failure told(Failure failure) const {
    failure.message = redact_(fmt::format("fetching from {}: {}", url_, failure.message));
    return failure;
  }
  /// Calls `each_second` while it waits.
  void wait(
      std::unique_lock<std::mutex>& lock, const Operation& operation, const std::function<bool()>& ready,
      const std::function<void()>& each_second = [] {}) {
    for (auto now = steady_clock::now(); now < operation.deadline; now = steady_clock::now()) {
      const auto until = std::min(operation.deadline, now + std::chrono::seconds(1));
      if (shared_->told.wait_until(lock, operation.stop, until, ready)) return;
      if (operation.stop.stop_requested()) break;
      each_second();
    }
    if (ready()) return;
    throw Error(ErrorKind::transient,
                fmt::format("fetching from {}: {}", url_,
                            operation.stop.stop_requested() ? "stopped" : "it took too long"));
  }

  HttpThread& thread_;
  Redactor redact_;
  std::string url_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::shared_ptr<std::shared_ptr<Round>> round_ =
      std::make_shared<std::shared_ptr<Round>>();  // HTTP thread's
};

}  // namespace

std::unique_ptr<FetchRound> SmartHttp::fetch(FetchCall call) {
  return std::make_unique<AskedRound>(thread_, std::move(call));
}

}  // namespace refsyncd
