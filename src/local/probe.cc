#include "local/probe.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "git/ref_files.h"
#include "git/ref_plan.h"
#include "git/ref_values.h"
#include "local/job.h"

namespace refsyncd {
namespace {

using Executor = std::function<void(std::function<void()>)>;

/// Comparing so many costs well below a millisecond.
constexpr size_t few_refs = 2000;
/// With more questions under way than this the HTTP thread has better things to do.
constexpr size_t few_questions = 4;

/// Thrown where a decision would need objects.
struct ObjectsNeeded {};

Ancestry needs_objects(const ObjectId&, const ObjectId&) { throw ObjectsNeeded{}; }

/// The branch that HEAD names, "" when it names a commit.
std::string head_target(const Repo& repo) {
  constexpr std::string_view symbolic = "ref: ";
  const auto head = read_file(std::filesystem::path(repo.path) / "HEAD", 4096);
  if (!head.starts_with(symbolic)) return "";
  return std::string(trim(std::string_view(head).substr(symbolic.size())));
}

/// HEAD is to name another branch, which is there.
bool head_moves(const Repo& repo, const std::string& head, const std::vector<RefValue>& held,
                const Advertisement& listed) {
  const auto exists = [&](const std::string& name) { return find_ref(held, name) != nullptr; };
  if (!repo.head.empty()) return head != repo.head && exists(repo.head);
  return !head.empty() && head != listed.head_target && !exists(head) && exists(listed.head_target);
}

bool moves_something(const RefResults& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const RefResult& ref) { return ref.outcome == Outcome::updated; });
}

Probed judge(const SyncRequest& request, const Repo& repo, std::shared_ptr<const Advertisement> listed) {
  try {
    if (auto results = results_without_work(request, repo, *listed)) {
      return {.unchanged = std::make_shared<const RefResults>(std::move(*results)),
              .failure = {},
              .listed = nullptr};
    }
  } catch (const Error&) {
    // Whoever does the work will meet it again, and say what is to be done.
  }
  return {.unchanged = nullptr, .failure = {}, .listed = std::move(listed)};
}

/// One question, from thread to thread.
class Question : public std::enable_shared_from_this<Question> {
 public:
  Question(SmartHttp& http, Executor in_background, Executor on_loop, const SyncRequest& request,
           const Repo& repo, std::function<void(Probed)> done)
      : http_(http),
        in_background_(std::move(in_background)),
        on_loop_(std::move(on_loop)),
        request_(request),
        repo_(repo),
        done_(std::move(done)) {}

  void begin() {
    const bool secret = kind_of(repo_.upstream->auth) != AuthKind::none;
    if (!secret && request_.direction == Direction::pull) return ask({});
    in_background_([self = shared_from_this()] { self->prepare(); });
  }

 private:
  void prepare() {
    if (request_.direction == Direction::push && !std::filesystem::exists(repo_.path)) return answer({});
    try {
      ask(read_credential(repo_.upstream->auth));
    } catch (...) {
      answer({.unchanged = nullptr, .failure = current_failure(), .listed = nullptr});
    }
  }

  void ask(Secret secret) {
    http_.list(
        {.upstream = *repo_.upstream,
         .secret = std::move(secret),
         .prefixes = literal_prefixes(request_.globs),
         .limits = {},
         .timeout = request_.timeout},
        [self = shared_from_this()](SmartHttp::ListAnswer listing) { self->compare(std::move(listing)); });
  }

  /// On the HTTP thread: passing a comparison on costs as much as a short one, but uses another core.
  void compare(SmartHttp::ListAnswer listing) {
    if (listing.failure) {
      return answer({.unchanged = nullptr, .failure = std::move(listing.failure), .listed = nullptr});
    }
    if (listing.listed->refs.size() <= few_refs && http_.listing() <= few_questions)
      return answer(judge(request_, repo_, std::move(listing.listed)));
    in_background_([self = shared_from_this(), listed = std::move(listing.listed)]() mutable {
      self->answer(judge(self->request_, self->repo_, std::move(listed)));
    });
  }

  void answer(Probed probed) {
    on_loop_([self = shared_from_this(), probed = std::move(probed)]() mutable {
      self->done_(std::move(probed));
    });
  }

  SmartHttp& http_;
  Executor in_background_;
  Executor on_loop_;
  SyncRequest request_;
  Repo repo_;
  std::function<void(Probed)> done_;
};

}  // namespace

std::optional<RefResults> results_without_work(const SyncRequest& request, const Repo& repo,
                                               const Advertisement& listed) {
  const auto rules = rules_of(request);
  const auto held = read_refs(repo.path);
  const auto head = head_target(repo);
  const bool pull = request.direction == Direction::pull;
  if (pull && (head_moves(repo, head, held, listed) || !refs_to_transfer(rules, listed.refs, held).empty())) {
    return std::nullopt;
  }
  try {
    auto results = pull ? plan_refs(rules, listed.refs, held, head, needs_objects)
                        : plan_refs(rules, held, listed.refs, listed.head_target, needs_objects);
    if (moves_something(results)) return std::nullopt;
    return results;
  } catch (const ObjectsNeeded&) {
    return std::nullopt;
  }
}

Probe make_probe(SmartHttp& http, Executor in_background, Executor on_loop) {
  return [&http, in_background = std::move(in_background), on_loop = std::move(on_loop)](
             const SyncRequest& request, const Repo& repo, std::function<void(Probed)> done) {
    std::make_shared<Question>(http, in_background, on_loop, request, repo, std::move(done))->begin();
  };
}

}  // namespace refsyncd
