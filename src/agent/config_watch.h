#pragma once
#include <filesystem>
#include <string>

#include "base/clock.h"

namespace refsyncd {

/// Notices that a configuration file has changed and come to rest, by looking at it every two seconds. Works
/// with editors that replace files and with Kubernetes volumes, whose files are links that are switched over.
class ConfigWatch {
 public:
  explicit ConfigWatch(std::filesystem::path file);

  /// Call as often as you like. True when the content is another than the one told of last, and has not
  /// changed between two looks, so that half-written files are left alone.
  bool changed(SteadyTime now);
  /// What is there now counts as known.
  void forget_change();

 private:
  std::string fingerprint() const;

  std::filesystem::path file_;
  std::string known_;
  std::string seen_;
  SteadyTime next_look_{};
};

}  // namespace refsyncd
