#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace refsyncd {

/// The kinds of Git forges that tell of pushes by webhook. gitea stands for Forgejo too.
enum class Forge { github, gitlab, gitea, bitbucket };
inline constexpr std::array all_forges{Forge::github, Forge::gitlab, Forge::gitea, Forge::bitbucket};
/// The name in the configuration, in paths and in metrics: "github" ...
std::string_view to_string(Forge);

/// What became of a forge's webhook. A closed set, fit for a metric label.
enum class NoticeResult {
  triggered,     ///< a push that policies wait for: they are due
  ignored,       ///< genuine, but no push, or none that a policy is about
  unauthorized,  ///< not from who has the secret
  malformed,     ///< genuine, but not as the forge documents it
};
inline constexpr std::array all_notice_results{NoticeResult::triggered, NoticeResult::ignored,
                                               NoticeResult::unauthorized, NoticeResult::malformed};
std::string_view to_string(NoticeResult);

/// A webhook of a forge, as observers hear of it.
struct NoticeReceipt {
  Forge forge = Forge::github;
  NoticeResult result = NoticeResult::ignored;
  WallTime at{};
  std::string about;    ///< what was pushed, or what is wrong with it; comes from elsewhere
  size_t policies = 0;  ///< how many it makes due
};

}  // namespace refsyncd
