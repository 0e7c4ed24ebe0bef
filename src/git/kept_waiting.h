#pragma once
#include <functional>
#include <utility>

namespace refsyncd {

/// Tells whoever wants to know (Operation::kept_waiting) that an upstream keeps us waiting, and at the latest
/// when it is destroyed that it no longer does. Used by one thread.
class KeptWaiting {
 public:
  explicit KeptWaiting(const std::function<void(bool)>& tell) : tell_(tell) {}
  KeptWaiting(const KeptWaiting&) = delete;
  KeptWaiting& operator=(const KeptWaiting&) = delete;
  ~KeptWaiting() { change(false); }

  /// The upstream has said something.
  void heard() {
    heard_ = true;
    change(false);
  }
  /// To be called about once a second: nothing heard since the last call means that we are kept waiting.
  void look() {
    if (!std::exchange(heard_, false)) change(true);
  }

 private:
  void change(bool waits) {
    if (std::exchange(waits_, waits) != waits && tell_) tell_(waits);
  }

  const std::function<void(bool)>& tell_;
  bool heard_ = false;
  bool waits_ = false;
};

}  // namespace refsyncd
