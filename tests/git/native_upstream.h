#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "git/http_remotes.h"
#include "git/ref_files.h"
#include "git/wire_answers.h"

namespace refsyncd {

/// A target, and an upstream behind Git's own HTTP backend whose answers a test may change. After every test
/// the target is sound.
class NativeUpstream : public HttpRemotes {
 protected:
  void TearDown() override { expect_sound(ours); }

  static bool asks_what_it_can_do(const HttpRequest& request) { return request.method == "GET"; }
  static bool lists(const HttpRequest& request) {
    return request.body.find("command=ls-refs") != std::string::npos;
  }
  static bool fetches(const HttpRequest& request) {
    return request.body.find("command=fetch") != std::string::npos;
  }
  size_t count(bool (*kind)(const HttpRequest&)) const {
    const auto requests = server.requests();
    return static_cast<size_t>(std::count_if(requests.begin(), requests.end(), kind));
  }

  std::unique_ptr<Remote> remote(const Operation& operation = {}, const std::string& repository = "app.git",
                                 Verify verify = Verify::connectivity) {
    return remote_of(Speaker::ourselves, upstream_at(server.url(repository), {}, verify), Secret{},
                     operation);
  }
  ScratchRepository make_scratch() const { return Repository::open(git, ours, false).scratch(); }

  /// What a pull makes of the scratch repository: adopts its objects and its refs.
  void adopt(ScratchRepository& scratch) const {
    const auto fetched = scratch.refs();
    Repository::open(git, ours, false).adopt_objects(scratch);
    std::string updates;
    for (const auto& ref : fetched) updates += fmt::format("update {} {}\n", ref.name, ref.id.hex());
    plain_git(ours, {"update-ref", "--stdin"}, updates);
  }
  /// Lists and fetches everything into the target, and returns how many objects came.
  size_t pull(const std::unique_ptr<Remote>& remote) const {
    std::vector<std::string> names;
    for (const auto& ref : remote->list({}).refs) names.push_back(ref.name);
    auto scratch = make_scratch();
    remote->fetch(scratch, names);
    const auto objects = objects_in(scratch);
    adopt(scratch);
    return objects;
  }
  size_t pull() { return pull(remote()); }

  size_t objects_in(const ScratchRepository& scratch) const {
    size_t objects = 0;
    const auto told = plain_git(scratch.path(), {"count-objects", "-v"});
    for (const auto line : split(told, '\n')) {
      for (const std::string_view key : {"count: ", "in-pack: "}) {
        if (line.starts_with(key)) objects += std::stoul(std::string(line.substr(key.size())));
      }
    }
    return objects;
  }
  /// Everything below the target, with its size.
  std::map<std::string, uintmax_t> files_of_target() const {
    std::map<std::string, uintmax_t> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(ours)) {
      if (entry.is_regular_file()) files[entry.path().string()] = entry.file_size();
    }
    return files;
  }

  /// Adds commits, each with a file of its own beside the last one's, to a branch; oldest first.
  std::vector<ObjectId> grow(const std::string& branch, size_t count, const std::string& word,
                             const std::string& from = {}) const {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      const auto content = fmt::format("{} {}\n", word, i);
      text += fmt::format("commit {}\nmark :{}\ncommitter Ada <ada@example.com> {} +0000\ndata 1\nx\n",
                          branch, i + 1, ++minute * 60 + 1767600000);
      if (i == 0 && !from.empty()) text += fmt::format("from {}\n", from);
      text += fmt::format("M 100644 inline file{}\ndata {}\n{}\n", i % 10, content.size(), content);
    }
    for (size_t i = 0; i < count; ++i) text += fmt::format("get-mark :{}\n", i + 1);
    std::vector<ObjectId> made;
    const auto told = plain_git(upstream, {"fast-import", "--quiet", "--force"}, text);
    for (const auto line : split(told, '\n')) made.push_back(*ObjectId::from_hex(line));
    return made;
  }
  /// The upstream forgets what no ref leads to.
  void forget_unreachable() const {
    plain_git(upstream, {"reflog", "expire", "--expire=now", "--all"});
    plain_git(upstream, {"gc", "-q", "--prune=now"});
  }

  std::filesystem::path upstream = make_bare("srv/app.git");
  std::filesystem::path ours = make_bare("ours.git");
  mutable size_t minute = 0;
  /// Runs before git answers; what it changes is what git sees.
  std::function<void(HttpRequest&)> before = [](HttpRequest&) {};
  /// Gets git's answer and returns what is sent.
  std::function<std::string(const HttpRequest&, std::string)> after = [](const HttpRequest&,
                                                                         std::string said) { return said; };
  std::mutex changing;  ///< held while `before` or `after` is exchanged during requests
  HttpUpstream server{[this](HttpRequest request) {
    before(request);
    auto said = git_http_backend(folder / "srv", request);
    const auto change = [this] {
      const std::scoped_lock lock(changing);
      return after;
    }();
    return change(request, std::move(said));
  }};
};

/// A request as a client would send it that knows no newer protocol.
inline void hide_version(HttpRequest& request) {
  constexpr std::string_view name = "Git-Protocol";
  if (const auto at = request.head.find(name); at != std::string::npos) request.head[at] = 'X';
}

}  // namespace refsyncd
