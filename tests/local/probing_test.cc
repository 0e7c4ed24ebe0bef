#include "local/probing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Repo repo_at(const std::string& name, const std::string& host, Transport transport = Transport::https) {
  Repo repo;
  repo.name = name;
  repo.upstream = Upstream{.url = "https://" + host + "/" + name, .transport = transport, .host = host};
  return repo;
}

/// Questions of which the test answers which it likes.
class ProbingTest : public testing::Test {
 protected:
  struct Asked {
    std::string repo;
    std::function<void(Probed)> done;
  };

  Probe probe() {
    return [this](const SyncRequest&, const Repo& repo, std::function<void(Probed)> done) {
      asked.push_back({.repo = repo.name, .done = std::move(done)});
    };
  }
  static SyncRequest request(Priority priority = Priority::scheduled) {
    SyncRequest request;
    request.priority = priority;
    return request;
  }
  Probing::Ticket ask(Probing& probing, const std::string& name, const std::string& host = "a.example",
                      Priority priority = Priority::scheduled) {
    return probing.ask(request(priority), repo_at(name, host), [this, name](const Probed& probed) {
      answers.push_back(name + (probed.failure ? " failed" : ""));
    });
  }
  std::vector<std::string> asked_about() const {
    std::vector<std::string> names;
    for (const auto& one : asked) names.push_back(one.repo);
    return names;
  }

  std::vector<Asked> asked;
  std::vector<std::string> answers;
};

TEST_F(ProbingTest, OnlyWhatSpeaksHttpCanBeAsked) {
  const Probing probing(probe());
  EXPECT_TRUE(probing.possible(repo_at("x", "h")));
  EXPECT_TRUE(probing.possible(repo_at("x", "h", Transport::http)));
  EXPECT_FALSE(probing.possible(repo_at("x", "h", Transport::ssh)));
  EXPECT_FALSE(probing.possible(repo_at("x", "", Transport::file)));
  EXPECT_FALSE(probing.possible(Repo{})) << "no upstream";
  EXPECT_FALSE(Probing({}).possible(repo_at("x", "h")));
}

TEST_F(ProbingTest, AsksAHostFewAtOnceAndOthersMeanwhile) {
  Probing probing(probe(), 10, 2);
  for (const auto* name : {"a1", "a2", "a3"}) ask(probing, name);
  ask(probing, "b1", "b.example");
  EXPECT_THAT(asked_about(), ElementsAre("a1", "a2", "b1"));
  EXPECT_EQ(probing.pending(), 4U);
  asked[0].done({});
  EXPECT_THAT(asked_about(), ElementsAre("a1", "a2", "b1", "a3"));
  EXPECT_THAT(answers, ElementsAre("a1"));
  EXPECT_EQ(probing.pending(), 3U);
}

TEST_F(ProbingTest, AsksFewInAll) {
  Probing probing(probe(), 2, 2);
  for (const auto* host : {"a.example", "b.example", "c.example"}) ask(probing, host, host);
  EXPECT_THAT(asked_about(), ElementsAre("a.example", "b.example"));
  asked[1].done({});
  EXPECT_THAT(asked_about(), ElementsAre("a.example", "b.example", "c.example"));
}

TEST_F(ProbingTest, AsksTheMoreUrgentFirst) {
  Probing probing(probe(), 1, 1);
  ask(probing, "first");
  ask(probing, "scheduled");
  ask(probing, "manual", "a.example", Priority::manual);
  asked[0].done({});
  EXPECT_THAT(asked_about(), ElementsAre("first", "manual"));
}

TEST_F(ProbingTest, TheSameRepositoryIsAskedAboutTwiceAtOnce) {
  Probing probing(probe());
  ask(probing, "x");
  ask(probing, "x");
  EXPECT_THAT(asked_about(), ElementsAre("x", "x"));
}

TEST_F(ProbingTest, HandsOnWhatWasAnswered) {
  Probing probing(probe());
  ask(probing, "x");
  asked[0].done({.unchanged = nullptr, .failure = Failure{.kind = ErrorKind::auth, .message = "no"}});
  EXPECT_THAT(answers, ElementsAre("x failed"));
}

TEST_F(ProbingTest, WhatIsForgottenIsNotAnsweredAndNotAskedAnyMore) {
  Probing probing(probe(), 1, 1);
  const auto running = ask(probing, "running");
  const auto waiting = ask(probing, "waiting");
  ask(probing, "next");
  probing.forget(running);
  probing.forget(waiting);
  probing.forget("unknown");
  EXPECT_EQ(probing.pending(), 1U);
  EXPECT_THAT(asked_about(), ElementsAre("running")) << "it still occupies the host";
  asked[0].done({});
  EXPECT_THAT(asked_about(), ElementsAre("running", "next"));
  EXPECT_THAT(answers, IsEmpty());
  asked[1].done({});
  EXPECT_THAT(answers, ElementsAre("next"));
}

TEST_F(ProbingTest, AnAnswerMayAskAgain) {
  Probing probing(probe(), 1, 1);
  probing.ask(request(), repo_at("x", "h"), [&](const Probed&) { ask(probing, "again"); });
  asked[0].done({});
  EXPECT_THAT(asked_about(), ElementsAre("x", "again"));
}

TEST_F(ProbingTest, AnswersThatComeAfterItsEndReachNobody) {
  {
    Probing probing(probe());
    ask(probing, "x");
  }
  asked[0].done({});
  EXPECT_THAT(answers, IsEmpty());
}

}  // namespace
}  // namespace refsyncd
