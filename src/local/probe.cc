#include "local/probe.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "git/ref_files.h"
#include "git/ref_plan.h"
#include "git/ref_values.h"
#include "local/head.h"
#include "local/job.h"
#include "local/known_answers.h"

namespace refsyncd {
namespace {

/// Comparing so many costs well below a millisecond.
constexpr size_t few_refs = 2000;
/// With more questions under way than this the HTTP thread has better things to do.
constexpr size_t few_questions = 4;

/// Thrown where a decision would need objects.
struct ObjectsNeeded {};

std::string head_text(const Repo& repo) { return read_file(std::filesystem::path(repo.path) / "HEAD", 4096); }

/// The branch that HEAD names, "" when it names a commit.
std::string head_target(std::string_view head) {
  constexpr std::string_view symbolic = "ref: ";
  return head.starts_with(symbolic) ? std::string(trim(head.substr(symbolic.size()))) : "";
}

/// Equal while refs and HEAD are; "" when that cannot be told.
std::string stamp_of(const RefSnapshot& snapshot, const std::string& head) {
  const auto stamp = snapshot.stamp();
  return stamp.empty() ? "" : stamp + ' ' + head;
}

std::string stamp_of(const Repo& repo) {
  const auto head = head_text(repo);
  return stamp_of(RefSnapshot(repo.path), head);
}

bool head_moves(const RefRules& rules, const Repo& repo, const HeldRefs& held, const Advertisement& listed) {
  const auto exists = [&](const std::string& name) { return find_ref(held.refs, name) != nullptr; };
  const HeadWish wish{.configured = repo.head,
                      .upstream = listed.head_target,
                      .gone = is_to_be_pruned(rules, listed.refs, held.head)};
  return next_head(wish, held.head, exists).has_value();
}

/// Something is to be fetched: not so for a branch of which it is known that it has diverged.
bool something_to_fetch(const RefRules& rules, const HeldRefs& held, const Advertisement& listed,
                        const Divergences& divergences) {
  const auto names = refs_to_transfer(rules, listed.refs, held.refs);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto ours = value_in(held.refs, name);
    return rules.force || !ours || !divergences.known(*ours, *value_in(listed.refs, name));
  });
}

bool moves_something(const RefResults& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const RefResult& ref) { return ref.outcome == Outcome::updated; });
}

/// What all questions of a probe share. Everything may be used by any thread.
struct Shared {
  Shared(SmartHttp& asked, const Divergences& known, Executor background, Executor loop)
      : http(asked), divergences(known), in_background(std::move(background)), on_loop(std::move(loop)) {}

  SmartHttp& http;
  const Divergences& divergences;
  Executor in_background;
  Executor on_loop;
  KnownAnswers answers;
};

/// One question, from thread to thread.
class Question : public std::enable_shared_from_this<Question> {
 public:
  Question(std::shared_ptr<Shared> shared, const SyncRequest& request, const Repo& repo,
           std::function<void(Probed)> done)
      : shared_(std::move(shared)), request_(request), repo_(repo), done_(std::move(done)) {}

  void begin() {
    known_ = shared_->answers.find(request_, repo_);
    const bool secret = kind_of(repo_.upstream->auth) != AuthKind::none;
    if (!secret && !known_ && request_.direction == Direction::pull) return ask();
    shared_->in_background([self = shared_from_this()] { self->prepare(); });
  }

 private:
  /// What cannot be found out here is left to whoever does the work: it will meet it again, and say what is
  /// to be done.
  void prepare() {
    std::error_code unclear;
    if (request_.direction == Direction::push && !std::filesystem::exists(repo_.path, unclear))
      return answer({});
    if (known_ && !holds_the_same()) known_.reset();
    try {
      secret_ = read_credential(repo_.upstream->auth);
    } catch (...) {
      return answer({.failure = current_failure()});
    }
    ask();
  }

  void ask() {
    shared_->http.list(
        {.upstream = *repo_.upstream,
         .secret = secret_,
         .prefixes = literal_prefixes(request_.globs),
         .limits = {},
         .timeout = request_.timeout,
         .known = known_ ? known_->digest : ""},
        [self = shared_from_this()](SmartHttp::ListAnswer listing) { self->compare(std::move(listing)); });
  }

  /// On the HTTP thread: passing a comparison on costs as much as a short one, but uses another core.
  void compare(SmartHttp::ListAnswer listing) {
    if (listing.failure) {
      return answer({.failure = std::move(listing.failure)});
    }
    const bool few = !listing.same && listing.listed->refs.size() <= few_refs;
    if (few && shared_->http.listing() <= few_questions) return judge(listing);
    shared_->in_background(
        [self = shared_from_this(), listing = std::move(listing)] { self->judge(listing); });
  }

  /// Never throws: it runs on threads where nobody would catch it.
  void judge(const SmartHttp::ListAnswer& listing) {
    try {
      if (listing.same) return judge_known();
      if (auto results = results_of(listing)) return answer({std::move(results), {}, nullptr});
    } catch (...) {
      // As in prepare().
    }
    answer({.listed = listing.listed});
  }

  /// The upstream says what it said before.
  void judge_known() {
    if (holds_the_same()) return answer({known_->results, {}, nullptr});
    known_.reset();
    ask();
  }

  /// The repository is as it was when the known answer was found.
  bool holds_the_same() const {
    try {
      return stamp_of(repo_) == known_->stamp;
    } catch (...) {
      return false;
    }
  }

  std::shared_ptr<const RefResults> results_of(const SmartHttp::ListAnswer& listing) {
    RefSnapshot snapshot(repo_.path);
    const auto head = head_text(repo_);
    const HeldRefs held{
        .refs = snapshot.values(), .head = head_target(head), .any_broken = snapshot.any_broken()};
    auto decided = results_without_work(request_, repo_, held, *listing.listed, shared_->divergences);
    if (!decided) return nullptr;
    auto results = std::make_shared<const RefResults>(std::move(*decided));
    if (shared_->answers.wants(results->size()) && !listing.digest.empty()) {
      if (const auto stamp = stamp_of(snapshot, head); !stamp.empty())
        shared_->answers.keep(request_, repo_, {listing.digest, stamp, results});
    }
    return results;
  }

  void answer(Probed probed) {
    shared_->on_loop([self = shared_from_this(), probed = std::move(probed)]() mutable {
      self->done_(std::move(probed));
    });
  }

  std::shared_ptr<Shared> shared_;
  SyncRequest request_;
  Repo repo_;
  std::function<void(Probed)> done_;
  Secret secret_;
  std::shared_ptr<const KnownAnswers::Answer> known_;
};

}  // namespace

std::optional<RefResults> results_without_work(const SyncRequest& request, const Repo& repo,
                                               const HeldRefs& held, const Advertisement& listed,
                                               const Divergences& divergences) {
  const auto rules = rules_of(request);
  const bool pull = request.direction == Direction::pull;
  if (pull ? head_moves(rules, repo, held, listed) || something_to_fetch(rules, held, listed, divergences)
           : held.any_broken) {
    return std::nullopt;
  }
  const auto ancestry = [&](const ObjectId& base, const ObjectId& tip) {
    return divergences.known(base, tip) ? Ancestry::diverged : throw ObjectsNeeded{};
  };
  try {
    auto results = pull ? plan_refs(rules, listed.refs, held.refs, held.head, ancestry)
                        : plan_refs(rules, held.refs, listed.refs, listed.head_target, ancestry);
    if (moves_something(results)) return std::nullopt;
    return results;
  } catch (const ObjectsNeeded&) {
    return std::nullopt;
  }
}

Probe make_probe(SmartHttp& http, const Divergences& divergences, Executor in_background, Executor on_loop) {
  auto shared = std::make_shared<Shared>(http, divergences, std::move(in_background), std::move(on_loop));
  return [shared = std::move(shared)](const SyncRequest& request, const Repo& repo,
                                      std::function<void(Probed)> done) {
    std::make_shared<Question>(shared, request, repo, std::move(done))->begin();
  };
}

}  // namespace refsyncd
