#include "model/forge.h"

namespace refsyncd {

std::string_view to_string(Forge forge) {
  switch (forge) {
    case Forge::github: return "github";
    case Forge::gitlab: return "gitlab";
    case Forge::gitea: return "gitea";
    case Forge::bitbucket: return "bitbucket";
  }
  return "github";
}

std::string_view to_string(NoticeResult result) {
  switch (result) {
    case NoticeResult::triggered: return "triggered";
    case NoticeResult::ignored: return "ignored";
    case NoticeResult::unauthorized: return "unauthorized";
    case NoticeResult::malformed: return "malformed";
  }
  return "ignored";
}

}  // namespace refsyncd
