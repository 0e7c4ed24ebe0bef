#pragma once
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "git/http_upstream.h"
#include "git/real_git.h"
#include "git/remote.h"
#include "git/smart_http.h"

namespace refsyncd {

/// Who speaks HTTP to the upstream.
enum class Speaker { git_program, ourselves };

inline std::string name_of(Speaker speaker) {
  return speaker == Speaker::git_program ? "git_program" : "ourselves";
}

/// Real repositories, and both ways to reach an upstream over HTTP.
class HttpRemotes : public RealGit {
 protected:
  HttpRemotes() { std::signal(SIGPIPE, SIG_IGN); }

  static Upstream upstream_at(const std::string& url, const Auth& auth = {}, Verify verify = Verify::fsck) {
    Upstream upstream;
    upstream.url = url;
    upstream.transport = Transport::http;
    upstream.auth = auth;
    upstream.verify = verify;
    return upstream;
  }
  std::unique_ptr<Remote> remote_of(Speaker speaker, const Upstream& upstream, Secret secret,
                                    const Operation& operation) {
    return speaker == Speaker::git_program
               ? make_git_program_remote(git, upstream, std::move(secret), operation)
               : make_remote(http, git, upstream, std::move(secret), operation);
  }

  SystemClock clock;
  SmartHttp http{clock};
};

}  // namespace refsyncd
