#pragma once
#include <optional>
#include <string>
#include <vector>

#include "forge/signature.h"
#include "model/forge.h"

namespace refsyncd {

/// What a forge says of a push.
struct PushNotice {
  std::vector<std::string> urls;  ///< of the repository, as the forge writes them: to clone from, to look at
  std::string path;               ///< "project/repository" of a forge that tells no URL; else ""
  std::vector<std::string> refs;  ///< full names of what was made, moved or deleted
  bool any_ref = false;           ///< the forge left the list out for its length: any ref may have changed

  bool operator==(const PushNotice&) const = default;
};

/// Reads a webhook's body, JSON or a form whose field `payload` holds it. Nothing when it is about something
/// else than a push. Shapes are those the forges document: GitHub's and Gitea's push, create and delete;
/// GitLab's push, tag push and repository update, of projects and of the system; Bitbucket Cloud's repo:push;
/// Bitbucket Data Center's repo:refs_changed and mirror:repo_synchronized. Throws Error(internal) when it is
/// not of that shape.
std::optional<PushNotice> read_notice(Forge forge, const NoticeHeaders& headers, const std::string& body);

/// "a push to refs/heads/main of https://github.com/acme/app"; of several refs the first, and how many more.
std::string describe(const PushNotice& notice);

}  // namespace refsyncd
