#include "local/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "git/http_upstream.h"
#include "git/real_git.h"
#include "local/backup.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr ObjectId absent{};

/// The real remote, with what happens around its calls added by the test.
struct Interference {
  std::function<void()> after_fetch = [] {};
  std::function<PushAnswer(PushAnswer)> answer = [](PushAnswer given) { return given; };
  std::optional<Failure> list_after_push;
};

class DisturbedRemote final : public Remote {
 public:
  DisturbedRemote(std::unique_ptr<Remote> real, const Interference& interference)
      : real_(std::move(real)), interference_(interference) {}

  Advertisement list(std::span<const std::string> prefixes) override {
    if (pushed_ && interference_.list_after_push) throw Error(*interference_.list_after_push);
    return real_->list(prefixes);
  }
  void fetch(ScratchRepository& into, std::span<const std::string> names) override {
    real_->fetch(into, names);
    interference_.after_fetch();
  }
  PushAnswer push(ScratchRepository& from, std::span<const RefUpdate> commands) override {
    pushed_ = true;
    return interference_.answer(real_->push(from, commands));
  }

 private:
  std::unique_ptr<Remote> real_;
  const Interference& interference_;
  bool pushed_ = false;
};

class ASyncJob : public RealGit {
 protected:
  ASyncJob() {
    first_ = commit(upstream_, "first");
    set_ref(upstream_, "refs/heads/main", first_);
  }

  SyncEnd perform(const SyncRequest& request) {
    Sync sync;
    sync.id = "01900000-0000-7000-8000-000000000000";
    sync.request = request;
    return job_.perform({.sync = sync, .repo = repo_, .listed = nullptr}, {}, {});
  }
  SyncEnd pull() { return perform(request(Direction::pull)); }
  SyncEnd push() { return perform(request(Direction::push)); }

  static SyncRequest request(Direction direction) {
    SyncRequest request;
    request.repo = "app";
    request.direction = direction;
    return request;
  }
  RemoteFactory factory() {
    return [this](const Upstream& upstream, Secret secret, Operation operation) {
      return std::make_unique<DisturbedRemote>(
          make_git_program_remote(git, upstream, std::move(secret), std::move(operation)), interference_);
    };
  }
  /// "main updated", one a ref.
  static std::vector<std::string> outcomes(const SyncEnd& end) {
    std::vector<std::string> lines;
    if (!end.refs) return lines;
    for (const auto& ref : *end.refs)
      lines.push_back(ref.name.substr(ref.name.rfind('/') + 1) + " " + std::string(to_string(ref.outcome)));
    return lines;
  }

  SystemClock clock_;
  std::filesystem::path upstream_ = make_bare("upstream.git");
  std::filesystem::path ours_ = make_bare("app.git");
  Interference interference_;
  SyncJob job_{clock_, git, factory(), std::chrono::hours(24 * 30)};
  Repo repo_{
      .name = "app",
      .path = ours_.string(),
      .managed = true,
      .upstream = Upstream{
          .url = upstream_.string(), .transport = Transport::file, .host = "", .auth = {}, .ca_file = ""}};
  ObjectId first_;
};

TEST_F(ASyncJob, whose_refs_have_moved_does_not_fail_over_what_comes_after) {
  plain_git(ours_, {"symbolic-ref", "HEAD", "refs/heads/unborn"});
  interference_.after_fetch = [&] { std::ofstream(ours_ / "HEAD.lock").flush(); };
  const auto end = pull();
  EXPECT_FALSE(end.failure) << end.failure->message;
  EXPECT_THAT(outcomes(end), ElementsAre("main updated"));
}

TEST_F(ASyncJob, that_fails_half_way_tells_of_the_refs_that_moved) {
  ASSERT_FALSE(pull().failure);
  for (const auto* name : {"refs/heads/a", "refs/heads/b"}) set_ref(ours_, name, first_);
  interference_.list_after_push = Failure{.kind = ErrorKind::transient, .message = "gone", .retry_after = {}};
  interference_.answer = [](PushAnswer answer) {
    answer.results.erase(answer.results.begin() + 1);
    answer.failure = Failure{.kind = ErrorKind::transient, .message = "cut off", .retry_after = {}};
    return answer;
  };
  const auto end = push();
  ASSERT_TRUE(end.failure);
  EXPECT_EQ(end.failure->message, "cut off");
  EXPECT_THAT(outcomes(end), ElementsAre("a updated", "main unchanged"));
}

TEST_F(ASyncJob, that_got_no_answer_looks_what_the_upstream_holds) {
  ASSERT_FALSE(pull().failure);
  set_ref(ours_, "refs/heads/a", first_);
  interference_.answer = [](const PushAnswer&) {
    return PushAnswer{
        .results = {},
        .failure = Failure{.kind = ErrorKind::transient, .message = "cut off", .retry_after = {}}};
  };
  const auto end = push();
  EXPECT_TRUE(end.failure);
  EXPECT_THAT(outcomes(end), ElementsAre("a updated", "main unchanged"));
}

TEST_F(ASyncJob, takes_a_ref_without_a_report_for_what_it_holds) {
  ASSERT_FALSE(pull().failure);
  for (const auto* name : {"refs/heads/a", "refs/heads/b"}) set_ref(ours_, name, first_);
  interference_.answer = [&](PushAnswer answer) {
    for (auto& result : answer.results) result.accepted = result.told = false;
    plain_git(upstream_, {"update-ref", "-d", "refs/heads/b"});
    return answer;
  };
  const auto end = push();
  EXPECT_FALSE(end.failure);
  EXPECT_THAT(outcomes(end), ElementsAre("a updated", "b rejected", "main unchanged"));
  EXPECT_EQ(end.refs->at(1).after, absent);
}

TEST_F(ASyncJob, that_fails_before_any_ref_moved_tells_of_none) {
  interference_.after_fetch = [] { throw Error(ErrorKind::transient, "lost"); };
  const auto end = pull();
  EXPECT_TRUE(end.failure);
  EXPECT_EQ(end.refs, nullptr);
}

TEST_F(ASyncJob, removes_expired_backups_where_maintenance_does_not_come) {
  repo_.managed = false;
  ASSERT_FALSE(pull().failure);
  const std::string expired = std::string(backup_prefix) + "01900000-0000-7000-8000-000000000000.1/heads/x";
  set_ref(ours_, expired, first_);
  ASSERT_FALSE(pull().failure);
  EXPECT_FALSE(ObjectReader(ours_).value_of(expired));
}

TEST_F(ASyncJob, takes_no_pack_that_is_larger_than_the_upstream_may_send) {
  std::string noise;
  for (unsigned i = 0, x = 1; i < 100'000; ++i)
    noise += static_cast<char>((x = x * 1103515245 + 12345) >> 16);
  set_ref(upstream_, "refs/heads/main", commit(upstream_, noise, {first_}));
  repo_.upstream->max_pack = 50 << 10;
  const auto end = pull();
  ASSERT_TRUE(end.failure);
  EXPECT_EQ(end.failure->kind, ErrorKind::bad_config) << end.failure->message;
  EXPECT_THAT(end.failure->message, HasSubstr("larger than 50KiB"));
  repo_.upstream->max_pack = default_max_pack;
  EXPECT_THAT(outcomes(pull()), ElementsAre("main updated"));
}

TEST_F(ASyncJob, says_what_kept_a_ref_from_moving) {
  const auto other = commit(upstream_, "other");
  set_ref(upstream_, "refs/heads/other", other);
  interference_.after_fetch = [&] { std::ofstream(ours_ / "refs/heads/main.lock").flush(); };
  const auto end = pull();
  EXPECT_FALSE(end.failure);
  EXPECT_THAT(outcomes(end), ElementsAre("main rejected", "other updated"));
  EXPECT_EQ(end.refs->at(0).reason, Reason::raced);
  EXPECT_THAT(end.refs->at(0).detail, HasSubstr("main.lock': File exists"));
}

TEST_F(ASyncJob, tidies_up_after_an_obstacle_though_the_sync_completed) {
  set_ref(upstream_, "refs/heads/other", commit(upstream_, "other"));
  const auto lock = ours_ / "refs/heads/main.lock";
  interference_.after_fetch = [&] {
    std::ofstream(lock).flush();
    std::filesystem::last_write_time(lock,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  };
  ASSERT_THAT(outcomes(pull()), ElementsAre("main rejected", "other updated"));
  interference_.after_fetch = [] {};
  EXPECT_THAT(outcomes(pull()), ElementsAre("main updated", "other unchanged"));
}

TEST_F(ASyncJob, never_pushes_what_a_power_loss_brought_back) {
  ASSERT_FALSE(pull().failure);
  plain_git(ours_, {"pack-refs", "--all"});
  std::filesystem::create_directories(ours_ / "refs/heads");
  std::ofstream(ours_ / "refs/heads/main").flush();
  SyncJob next_process(clock_, git, factory(), {});
  Sync sync;
  sync.request = request(Direction::push);
  const auto end = next_process.perform({.sync = sync, .repo = repo_, .listed = nullptr}, {}, {});
  ASSERT_TRUE(end.failure);
  EXPECT_EQ(end.failure->kind, ErrorKind::untrusted);
  EXPECT_THAT(end.failure->message, HasSubstr("refs/heads/main"));
}

TEST_F(ASyncJob, leaves_no_mark_when_it_ends) {
  interference_.after_fetch = [&] { EXPECT_EQ(read_file(ours_ / "refsyncd-in-use"), "1"); };
  ASSERT_FALSE(pull().failure);
  EXPECT_EQ(read_file(ours_ / "refsyncd-in-use"), "0");
}

TEST_F(ASyncJob, takes_a_503_for_a_throttle_only_when_it_names_a_time) {
  std::string headers = "Retry-After: 90\r\n";
  HttpUpstream server([&](const HttpRequest&) { return HttpUpstream::answer(503, "busy", headers); });
  repo_.upstream->url = server.url("app.git");
  repo_.upstream->transport = Transport::http;
  auto failure = pull().failure.value();
  EXPECT_EQ(failure.kind, ErrorKind::throttled) << failure.message;
  EXPECT_EQ(failure.retry_after, std::chrono::seconds(90));
  headers.clear();
  failure = pull().failure.value();
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_FALSE(failure.retry_after);
}

TEST_F(ASyncJob, plans_a_push_from_a_repository_yet_to_be_made_as_from_an_empty_one) {
  repo_.path = (folder / "later.git").string();
  EXPECT_THAT(job_.plan(request(Direction::push), repo_), testing::IsEmpty());
  EXPECT_EQ(job_.plan(request(Direction::pull), repo_).size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(repo_.path));
}

TEST_F(ASyncJob, plans_nothing_for_a_named_repository_that_is_missing) {
  repo_.path = (folder / "nowhere.git").string();
  repo_.managed = false;
  for (const auto direction : {Direction::pull, Direction::push}) {
    try {
      job_.plan(request(direction), repo_);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::not_found);
    }
  }
}

}  // namespace
}  // namespace refsyncd
