#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>

#include "model/sync.h"

namespace refsyncd {

/// Decides which waiting sync runs next: more urgent priorities first, then first come first served, one sync
/// a repository at a time, bounded in all and for each upstream host. A saturated host or busy repository
/// never holds up others. Pure; every operation is logarithmic.
class Queue {
 public:
  struct Item {
    std::string id;
    std::string repo;  ///< as a person knows it
    /// What it works on: two names may be one folder, while a sync from before a reload is still running.
    /// "" = what `repo` says.
    std::string folder = {};
    std::string host;  ///< "" = no limit for each host
    Priority priority = Priority::scheduled;
  };

  Queue(size_t total, size_t per_host) : total_(total), per_host_(per_host) {}
  void set_limits(size_t total, size_t per_host);

  void add(Item item);
  /// Makes a waiting sync at least this urgent.
  void raise(const std::string& id, Priority priority);
  /// Takes a waiting sync out; false when it is not waiting.
  bool remove(const std::string& id);
  /// Takes the next sync that may start; it counts as running from now on.
  std::optional<std::string> take();
  /// A running sync waits for others: it counts as running against its host alone, until reclaim(). Then it
  /// may be one too many for a while.
  void lend(const std::string& id);
  void reclaim(const std::string& id);
  /// A running sync has ended.
  void finish(const std::string& id);

  size_t waiting() const { return entries_.size() - running_; }
  size_t running() const { return running_; }
  /// How many of those that run have lent their slot.
  size_t lent() const { return lent_; }
  bool is_waiting(const std::string& id) const;
  /// True while a sync works on the folder.
  bool is_busy(const std::string& folder) const;

  /// Keeps the folder's syncs waiting until release(), unless one of them runs: false then.
  bool hold(const std::string& folder);
  void release(const std::string& folder);

  /// What a waiting sync waits for, for a person: "another sync of app", "maintenance of app", "a free slot
  /// on github.com", "a free slot", "its turn"; "" when it is not waiting.
  std::string waiting_for(const std::string& id) const;

 private:
  using Position = std::tuple<Priority, uint64_t, std::string>;  // priority, order of arrival, id
  struct Entry {
    Item item;
    uint64_t order = 0;
    bool running = false;
    bool lent = false;
    Position position() const { return {item.priority, order, item.id}; }
  };
  struct Host {
    size_t running = 0;
    std::set<Position> waiting;
  };
  struct Folder {
    bool busy = false;  // a sync runs
    bool held = false;  // by hold()
    bool closed() const { return busy || held; }
    std::set<Position> parked;  // taken out of their host's list until the folder is free
  };

  bool full() const { return running_ - lent_ >= total_; }
  bool saturated(const std::string& name, const Host& host) const;
  void insert(const Entry& entry);
  void erase(const Entry& entry);
  void refresh(const std::string& host);
  void unpark(const std::string& folder);

  size_t total_;
  size_t per_host_;
  size_t running_ = 0;
  size_t lent_ = 0;
  uint64_t arrivals_ = 0;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, Host> hosts_;
  std::unordered_map<std::string, Folder> folders_;
  std::map<Position, std::string> heads_;  // the first waiting sync of each host that has a free slot
  std::unordered_map<std::string, Position> head_of_host_;  // the same by host
};

}  // namespace refsyncd
