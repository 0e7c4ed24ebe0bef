#include "agent/config_watch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

namespace refsyncd {

ConfigWatch::ConfigWatch(std::filesystem::path file) : file_(std::move(file)) { forget_change(); }

std::string ConfigWatch::fingerprint() const {
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return "";
  return fmt::format("{}.{}.{}.{}.{}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

bool ConfigWatch::changed(SteadyTime now) {
  if (now < next_look_) return false;
  next_look_ = now + std::chrono::seconds(2);
  const auto last_seen = std::exchange(seen_, fingerprint());
  if (seen_.empty() || seen_ == known_ || seen_ != last_seen) return false;
  known_ = seen_;
  return true;
}

void ConfigWatch::forget_change() { known_ = seen_ = fingerprint(); }

}  // namespace refsyncd
