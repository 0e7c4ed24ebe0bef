#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace refsyncd {

/// Which request goes next: the oldest of those whose host has a connection or a stream to spare. Pure
/// bookkeeping; every step costs the logarithm of what waits, because there may be hundreds of hosts.
///
/// A connection that carries several requests at once (a shared one) is known by the host's last answer.
class Turns {
 public:
  struct Limits {
    size_t connections;         ///< to one host, at once
    size_t connections_in_all;  ///< to all hosts, at once
    size_t streams;             ///< requests at once over one shared connection
  };
  class Host {
   public:
    explicit Host(std::string origin) : origin_(std::move(origin)) {}

   private:
    friend class Turns;

    std::string origin_;
    std::set<uint64_t> waiting_;
    size_t running_ = 0;
    bool shared_ = false;
    bool suspect_ = false;
  };

  explicit Turns(Limits limits) : limits_(limits) {}

  /// A request begins to wait; `serial` is larger than any before. The host lives as long as something waits
  /// or runs there.
  Host& wait(const std::string& origin, uint64_t serial);
  /// A waiting request does not want its turn any more.
  void leave(Host& host, uint64_t serial);
  /// The request that goes next, which runs from now on; nothing when none may.
  std::optional<uint64_t> take();
  /// True when take() would say nothing.
  bool stuck() const;
  /// A request of the host has ended.
  void end(Host& host);
  void know_shared(Host& host, bool shared);
  /// The shared connection of the host seems dead: what runs there ends before anything else starts. False
  /// when there is none, or when that was said already.
  bool suspect(Host& host);

 private:
  using Queue = std::set<std::pair<uint64_t, Host*>>;

  Queue* queue_of(const Host& host);
  /// Changes the host, and with it the queue in which it stands.
  template <class Change>
  void change(Host& host, Change change);
  void forget_if_idle(Host& host);

  Limits limits_;
  std::unordered_map<std::string, Host> hosts_;
  Queue connecting_;  // hosts that may start one more over a connection that counts, by their oldest request
  Queue sharing_;     // hosts that may start one more over connections that others use
  size_t connections_used_ = 0;
};

}  // namespace refsyncd
