#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "model/forge.h"

namespace refsyncd {

/// The headers of a webhook, names in lower case.
using NoticeHeaders = std::map<std::string, std::string, std::less<>>;

/// Whether a webhook comes from who has the secret, judged on the raw body, in constant time, as each forge
/// documents it:
///   github     x-hub-signature-256: sha256=<HMAC-SHA256 of the body>
///   gitea      x-gitea-signature or x-forgejo-signature: <HMAC-SHA256 of the body>
///   bitbucket  x-hub-signature: sha256=<HMAC-SHA256 of the body>
///   gitlab     x-gitlab-token: the secret itself
/// None of them signs a time, so a webhook can be replayed. That is harmless: all it can bring about is that
/// policies look at their upstream once more, and what comes in quick succession is one run.
/// An empty secret fits nothing.
bool genuine(Forge forge, const Secret& secret, const NoticeHeaders& headers, std::string_view body);

}  // namespace refsyncd
