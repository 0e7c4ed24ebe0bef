#include "harness.h"
#include "mesa/service_bench.h"

namespace refsyncd {
namespace {

using nlohmann::json;

/// The double of the API starts and ends nothing by itself.
class MesaHarness final : public ServiceHarness {
 public:
  MesaHarness() {
    bench_.mesa.repos = {"app", "lib"};
    bench_.repos = {ServiceBench::repo("app"), ServiceBench::repo("lib")};
    bench_.recorded_by = &watched_;
    bench_.told_to = &listener_;
    bench_.start();
  }

  SyncService& service() override { return *bench_.service; }
  Store& store() override { return bench_.store; }
  const WatchedRecorder& recorder() const override { return watched_; }
  const RecordingObserver& observer() const override { return bench_.observer; }
  WatchingListener& listener() override { return listener_; }

  void settle() override { bench_.settle(); }
  void hold() override {}
  void release() override {}
  void let_start(const std::string& id) override {
    bench_.mesa.start(id);
    bench_.pass(polled_by_then);
  }
  void end(const std::string& id, const RefResults& refs, const std::optional<Failure>& failure) override {
    if (failure) {
      bench_.mesa.fail(id, failure->message);
      bench_.mesa.sync(id)["error_kind"] = to_string(failure->kind);
    } else {
      bench_.mesa.complete(id, as_json(refs));
    }
    bench_.pass(polled_by_then);
  }
  void let_stop() override { settle(); }
  size_t begun() const override { return bench_.mesa.sync_count(); }
  void restart() override { bench_.restart(); }

 private:
  static constexpr milliseconds polled_by_then = std::chrono::seconds(20);

  static json as_json(const RefResults& refs) {
    auto list = json::array();
    for (const auto& ref : refs) {
      list.push_back({{"name", ref.name},
                      {"before", ref.before ? json(ref.before->hex()) : json()},
                      {"after", ref.after.hex()},
                      {"outcome", to_string(ref.outcome)},
                      {"reason", to_string(ref.reason)}});
    }
    return list;
  }

  ServiceBench bench_;
  WatchedRecorder watched_{bench_.recorder};
  WatchingListener listener_{watched_};
};

}  // namespace

std::unique_ptr<ServiceHarness> mesa_harness() { return std::make_unique<MesaHarness>(); }

}  // namespace refsyncd
