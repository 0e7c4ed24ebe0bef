#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "git/real_git.h"
#include "git/ref_values.h"
#include "git/remote.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr ObjectId absent{};

/// Our repository and an upstream on the same machine.
class ProgramRemoteTest : public RealGit {
 protected:
  std::unique_ptr<Remote> remote(const Operation& operation = {}) const {
    return remote_at(upstream.string(), operation);
  }
  std::unique_ptr<Remote> remote_at(const std::string& url, const Operation& operation = {}) const {
    return make_git_program_remote(git, {.url = url, .transport = Transport::file}, Secret(), operation);
  }
  Repository target() const { return Repository::open(git, ours, false); }
  /// A tree with an entry that fsck refuses: ".git".
  std::string make_evil_tree() const {
    const auto blob = *ObjectId::from_hex(plain_git(upstream, {"hash-object", "-w", "--stdin"}, "evil"));
    const auto entry = std::string("100644 .git") + '\0' + std::string(blob.bytes.begin(), blob.bytes.end());
    return plain_git(upstream, {"hash-object", "-w", "--literally", "-t", "tree", "--stdin"}, entry);
  }

  template <class Action>
  Failure failure_of(Action action) const {
    try {
      action();
    } catch (const Error& error) {
      return error.failure();
    }
    ADD_FAILURE() << "nothing failed";
    return {};
  }

  std::filesystem::path upstream = make_bare("upstream.git");
  std::filesystem::path ours = make_bare("ours.git");
};

using ListTest = ProgramRemoteTest;

TEST_F(ListTest, TellsBranchesTagsAndWhereHeadPoints) {
  const auto one = commit(upstream, "one");
  set_ref(upstream, "refs/heads/main", one);
  set_ref(upstream, "refs/heads/alpha", one);
  set_ref(upstream, "refs/pull/1/head", one);
  plain_git(upstream, {"tag", "-a", "-m", "message", "v1", one.hex()});
  const auto tag = *ObjectId::from_hex(plain_git(upstream, {"rev-parse", "v1"}));
  const auto listed = remote()->list({});
  EXPECT_EQ(listed.refs, (std::vector<RefValue>{
                             {"refs/heads/alpha", one}, {"refs/heads/main", one}, {"refs/tags/v1", tag}}));
  EXPECT_EQ(listed.head_target, "refs/heads/main");
  plain_git(upstream, {"update-ref", "--no-deref", "HEAD", one.hex()});
  EXPECT_EQ(remote()->list({}).head_target, "");
}

TEST_F(ListTest, AnEmptyUpstreamListsNothing) {
  const auto listed = remote()->list({});
  EXPECT_THAT(listed.refs, IsEmpty());
}

TEST_F(ListTest, NarrowsToPrefixes) {
  const auto one = commit(upstream, "one");
  for (const auto* name :
       {"refs/heads/main", "refs/heads/release/1.0", "refs/heads/wip/x", "refs/tags/v1", "refs/tags/w1"}) {
    set_ref(upstream, name, one);
  }
  const std::vector<std::string> prefixes{"refs/heads/release/", "refs/tags/v"};
  EXPECT_EQ(remote()->list(prefixes).refs,
            (std::vector<RefValue>{{"refs/heads/release/1.0", one}, {"refs/tags/v1", one}}));
}

TEST_F(ListTest, RefusesMoreRefsOrBytesThanAllowed) {
  const auto one = commit(upstream, "one");
  for (int i = 0; i < 5; ++i) set_ref(upstream, fmt::format("refs/heads/{}", i), one);
  EXPECT_NO_THROW(remote({.limits = {.max_refs = 5}})->list({}));
  const auto refs = failure_of([&] { remote({.limits = {.max_refs = 4}})->list({}); });
  EXPECT_EQ(refs.kind, ErrorKind::bad_config);
  EXPECT_THAT(refs.message, HasSubstr("more than 4 branches and tags"));
  const auto bytes = failure_of([&] { remote({.limits = {.max_bytes = 100}})->list({}); });
  EXPECT_EQ(bytes.kind, ErrorKind::bad_config);
  EXPECT_THAT(bytes.message, HasSubstr("longer than 100 bytes"));
}

TEST_F(ListTest, RefusesASha256Upstream) {
  std::filesystem::create_directories(folder / "sha256.git");
  plain_git(folder / "sha256.git", {"init", "-q", "--bare", "--object-format=sha256"});
  const auto tree = plain_git(folder / "sha256.git", {"mktree"});
  plain_git(folder / "sha256.git", {"update-ref", "refs/heads/main",
                                    plain_git(folder / "sha256.git", {"commit-tree", "-m", "x", tree})});
  const auto failure = failure_of([&] { remote_at((folder / "sha256.git").string())->list({}); });
  EXPECT_EQ(failure.kind, ErrorKind::bad_config);
  EXPECT_THAT(failure.message, HasSubstr("SHA-256"));
}

TEST_F(ListTest, AMissingUpstreamIsNotFound) {
  for (const auto& url : {(folder / "none.git").string(), "file://" + (folder / "none.git").string()}) {
    const auto failure = failure_of([&] { remote_at(url)->list({}); });
    EXPECT_EQ(failure.kind, ErrorKind::not_found) << failure.message;
    EXPECT_THAT(failure.message, HasSubstr("listing the refs of " + url));
  }
}

TEST_F(ListTest, NoOtherTransportIsUsedWhateverTheUrlSays) {
  const auto payload = "touch% " + (folder / "PWN").string();
  for (const auto& url : {"ext::sh -c " + payload, std::string("evil::x"), std::string("fd::17/x"),
                          std::string("http://127.0.0.1:9/x"), std::string("ssh://-oProxyCommand=touch/x"),
                          "--upload-pack=touch " + (folder / "PWN").string()}) {
    const auto failure = failure_of([&] { remote_at(url)->list({}); });
    EXPECT_NE(failure.kind, ErrorKind::internal) << failure.message;
    EXPECT_FALSE(planted_ran()) << url;
  }
}

TEST_F(ListTest, ARepositorysOwnConfigurationCannotRedirectUs) {
  plain_git(ours, {"config", "url.ext::sh -c touch% " + (folder / "PWN").string() + ".insteadOf", "/"});
  plain_git(ours, {"config", "protocol.ext.allow", "always"});
  auto repository = target();
  auto scratch = repository.scratch();
  set_ref(upstream, "refs/heads/main", commit(upstream, "one"));
  remote()->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_FALSE(planted_ran());
}

using FetchTest = ProgramRemoteTest;

TEST_F(FetchTest, BringsNewObjectsAndTheValuesOfTheRefs) {
  const auto one = commit(upstream, "one");
  const auto two = commit(upstream, "two", {one});
  set_ref(upstream, "refs/heads/main", two);
  set_ref(upstream, "refs/heads/other", one);
  auto repository = target();
  auto scratch = repository.scratch();
  remote()->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_EQ(scratch.refs(), (std::vector<RefValue>{{"refs/heads/main", two}}));
  EXPECT_FALSE(repository.reader().contains(two));
  repository.adopt_objects(scratch);
  EXPECT_EQ(repository.reader().ancestry(one, two), Ancestry::ahead);
}

TEST_F(FetchTest, SendsOnlyWhatTheTargetLacks) {
  const auto one = commit(upstream, std::string(10'000, 'x'));
  set_ref(upstream, "refs/heads/main", one);
  auto repository = target();
  {
    auto scratch = repository.scratch();
    remote()->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
    repository.adopt_objects(scratch);
    repository.update_refs(std::vector<RefUpdate>{{"refs/heads/main", one, absent}}, {});
  }
  set_ref(upstream, "refs/heads/main", commit(upstream, "two", {one}));
  auto scratch = repository.scratch();
  remote()->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_EQ(plain_git(scratch.path(), {"count-objects", "-v"}).find("in-pack: 3\n") == std::string::npos,
            false);
}

TEST_F(FetchTest, HostileNamesAreData) {
  const auto one = commit(upstream, "one");
  const std::vector<std::string> names{"refs/heads/$(touch${IFS}PWN)",
                                       "refs/heads/'a'of'b",
                                       "refs/heads/--upload-pack=x",
                                       "refs/heads/-x",
                                       "refs/heads/\xff\xfe",
                                       "refs/heads/a;b|c",
                                       "refs/tags/-d"};
  for (const auto& name : names) set_ref(upstream, name, one);
  EXPECT_EQ(remote()->list({}).refs.size(), names.size());
  auto repository = target();
  auto scratch = repository.scratch();
  remote()->fetch(scratch, names);
  EXPECT_EQ(scratch.refs().size(), names.size());
  for (const auto& name : names) EXPECT_EQ(value_in(scratch.refs(), name), one) << name;
}

TEST_F(FetchTest, AFirstPullOfTwoThousandRefsEndsWithEachInPlace) {
  const auto one = commit(upstream, "one");
  std::vector<RefValue> offered;
  std::vector<std::string> names;
  std::vector<RefUpdate> updates;
  std::ofstream packed(upstream / "packed-refs");
  for (int i = 0; i < 2000; ++i) {
    names.push_back(fmt::format("refs/heads/b{:04}", i));
    packed << one.hex() << " " << names.back() << "\n";
    updates.push_back({names.back(), one, absent});
  }
  packed.close();
  EXPECT_EQ(remote()->list({}).refs.size(), 2000u);
  auto repository = target();
  auto scratch = repository.scratch();
  remote()->fetch(scratch, names);
  repository.adopt_objects(scratch);
  EXPECT_THAT(repository.update_refs(updates, {}), IsEmpty());
  EXPECT_EQ(repository.reader().refs(), ObjectReader(upstream).refs());
}

TEST_F(FetchTest, ANameThatVanishedIsTransient) {
  set_ref(upstream, "refs/heads/main", commit(upstream, "one"));
  auto scratch = target().scratch();
  const auto failure =
      failure_of([&] { remote()->fetch(scratch, std::vector<std::string>{"refs/heads/gone"}); });
  EXPECT_EQ(failure.kind, ErrorKind::transient) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("couldn't find remote ref refs/heads/gone"));
}

TEST_F(FetchTest, ObjectsThatFailTheCheckAreUntrusted) {
  const auto tree = make_evil_tree();
  const auto bad = *ObjectId::from_hex(plain_git(upstream, {"commit-tree", "-m", "evil", tree}));
  set_ref(upstream, "refs/heads/main", bad);
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto scratch = target().scratch();
    const auto failure =
        failure_of([&] { remote()->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
    EXPECT_EQ(failure.kind, ErrorKind::untrusted) << failure.message;
    EXPECT_THAT(failure.message, HasSubstr(tree)) << "does not name the object";
    EXPECT_THAT(failure.message, HasSubstr("hasDotgit"));
  }
  EXPECT_FALSE(target().reader().contains(bad));
}

TEST_F(FetchTest, ObjectsAreNotLookedIntoWhenTheUpstreamIsTrusted) {
  const auto bad = *ObjectId::from_hex(plain_git(upstream, {"commit-tree", "-m", "evil", make_evil_tree()}));
  set_ref(upstream, "refs/heads/main", bad);
  auto scratch = target().scratch();
  const auto trusting = make_git_program_remote(
      git, {.url = upstream.string(), .transport = Transport::file, .verify = Verify::connectivity}, Secret(),
      {});
  trusting->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_EQ(scratch.refs(), (std::vector<RefValue>{{"refs/heads/main", bad}}));
}

TEST_F(FetchTest, NoHookRuns) {
  for (const auto* hook : {"reference-transaction", "post-fetch", "pre-auto-gc", "post-checkout"}) {
    write_script(ours / "hooks" / hook, "touch " + (folder / "PWN").string());
    write_script(upstream / "hooks" / hook, "touch " + (folder / "PWN").string());
  }
  plain_git(upstream,
            {"config", "uploadpack.packObjectsHook", "touch " + (folder / "PWN").string() + "; false"});
  plain_git(ours, {"config", "core.alternateRefsCommand", "touch " + (folder / "PWN").string()});
  const auto one = commit(upstream, "one");
  set_ref(upstream, "refs/heads/main", one);
  std::filesystem::remove(folder / "PWN");
  auto scratch = target().scratch();
  remote()->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_FALSE(planted_ran());
}

TEST_F(FetchTest, AShallowUpstreamIsRefusedWithTheRemedy) {
  set_ref(upstream, "refs/heads/main", commit(upstream, "two", {commit(upstream, "one")}));
  const auto shallow = folder / "shallow.git";
  plain_git(folder.path(),
            {"clone", "-q", "--bare", "--depth=1", "file://" + upstream.string(), shallow.string()});
  for (const auto& url : {shallow.string(), "file://" + shallow.string()}) {
    auto scratch = target().scratch();
    const auto failure =
        failure_of([&] { remote_at(url)->fetch(scratch, std::vector<std::string>{"refs/heads/main"}); });
    EXPECT_EQ(failure.kind, ErrorKind::bad_config) << failure.message;
    EXPECT_THAT(failure.message, HasSubstr(url + " is a shallow repository"));
    EXPECT_THAT(failure.message, HasSubstr("git fetch --unshallow"));
    EXPECT_THAT(scratch.refs(), IsEmpty());
  }
}

TEST_F(FetchTest, ATooLargePackIsRefusedAndTheKeyIsNamed) {
  std::string noise;
  for (unsigned i = 0, x = 1; i < 100'000; ++i)
    noise += static_cast<char>((x = x * 1103515245 + 12345) >> 16);
  const auto one = commit(upstream, noise);
  set_ref(upstream, "refs/heads/main", one);
  const std::vector<std::string> names{"refs/heads/main"};
  auto scratch = target().scratch();
  const auto failure = failure_of([&] { remote({.max_pack_bytes = 50 << 10})->fetch(scratch, names); });
  EXPECT_EQ(failure.kind, ErrorKind::bad_config) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("fetching from " + upstream.string()));
  EXPECT_THAT(failure.message, HasSubstr("larger than 50KiB"));
  EXPECT_THAT(failure.message, HasSubstr("'max_pack' under 'upstream'"));
  EXPECT_FALSE(scratch.reader().contains(one));
  remote({.max_pack_bytes = 200 << 10})->fetch(scratch, names);
  EXPECT_TRUE(scratch.reader().contains(one));
}

TEST_F(FetchTest, ManyRefsAreNoLargePack) {
  const auto one = commit(upstream, "one");
  std::vector<std::string> names;
  std::ofstream packed(upstream / "packed-refs");
  for (int i = 0; i < 1000; ++i) {
    names.push_back(fmt::format("refs/heads/b{:04}", i));
    packed << one.hex() << " " << names.back() << "\n";
  }
  packed.close();
  auto scratch = target().scratch();
  remote({.max_pack_bytes = 10'000})->fetch(scratch, names);
  EXPECT_EQ(scratch.refs().size(), names.size());
}

using PushTest = ProgramRemoteTest;

TEST_F(PushTest, CreatesForwardsForcesAndDeletes) {
  const auto one = commit(ours, "one");
  const auto two = commit(ours, "two", {one});
  const auto other = commit(ours, "other");
  plain_git(ours, {"push", "-q", upstream.string(), one.hex() + ":refs/heads/main",
                   one.hex() + ":refs/heads/forced", one.hex() + ":refs/heads/gone",
                   one.hex() + ":refs/tags/moved"});
  auto scratch = target().scratch();
  const auto results = remote()
                           ->push(scratch, std::vector<RefUpdate>{{"refs/heads/main", two, one},
                                                                  {"refs/heads/new", two, absent},
                                                                  {"refs/heads/forced", other, one},
                                                                  {"refs/heads/gone", absent, one},
                                                                  {"refs/tags/moved", two, one},
                                                                  {"refs/heads/-x", two, absent},
                                                                  {"refs/heads/\xff$(x)", two, absent}})
                           .results;
  ASSERT_EQ(results.size(), 7u);
  for (const auto& result : results) EXPECT_TRUE(result.accepted) << result.name << ": " << result.detail;
  EXPECT_EQ(refs(upstream), (std::vector<RefValue>{{"refs/heads/-x", two},
                                                   {"refs/heads/forced", other},
                                                   {"refs/heads/main", two},
                                                   {"refs/heads/new", two},
                                                   {"refs/heads/\xff$(x)", two},
                                                   {"refs/tags/moved", two}}));
}

TEST_F(PushTest, ALeaseThatNoLongerHoldsIsRaced) {
  const auto one = commit(ours, "one");
  const auto two = commit(ours, "two", {one});
  const auto three = commit(ours, "three", {two});
  plain_git(ours, {"push", "-q", upstream.string(), two.hex() + ":refs/heads/moved",
                   one.hex() + ":refs/heads/appeared", one.hex() + ":refs/heads/main",
                   two.hex() + ":refs/heads/kept"});
  auto scratch = target().scratch();
  const auto results = remote()
                           ->push(scratch, std::vector<RefUpdate>{{"refs/heads/moved", three, one},
                                                                  {"refs/heads/appeared", two, absent},
                                                                  {"refs/heads/kept", absent, one},
                                                                  {"refs/heads/main", two, one}})
                           .results;
  ASSERT_EQ(results.size(), 4u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(results[i].accepted) << results[i].name;
    EXPECT_EQ(results[i].reason, Reason::raced) << results[i].name;
    EXPECT_EQ(results[i].detail, "stale info");
  }
  EXPECT_TRUE(results[3].accepted);
  EXPECT_EQ(refs(upstream), (std::vector<RefValue>{{"refs/heads/appeared", one},
                                                   {"refs/heads/kept", two},
                                                   {"refs/heads/main", two},
                                                   {"refs/heads/moved", two}}));
}

TEST_F(PushTest, WhatTheUpstreamForbidsDoesNotStopTheRest) {
  const auto one = commit(ours, "one");
  plain_git(ours, {"push", "-q", upstream.string(), one.hex() + ":refs/heads/protected"});
  plain_git(upstream, {"config", "receive.denyDeletes", "true"});
  auto scratch = target().scratch();
  const auto results = remote()
                           ->push(scratch, std::vector<RefUpdate>{{"refs/heads/protected", absent, one},
                                                                  {"refs/heads/main", one, absent}})
                           .results;
  EXPECT_FALSE(results.at(0).accepted);
  EXPECT_EQ(results.at(0).reason, Reason::remote_refused);
  EXPECT_THAT(results.at(0).detail, HasSubstr("deletion prohibited"));
  EXPECT_TRUE(results.at(1).accepted);
}

TEST_F(PushTest, AnObjectWeDoNotHaveIsReportedAndTheRestGoes) {
  const auto one = commit(ours, "one");
  const auto missing = *ObjectId::from_hex("1111111111111111111111111111111111111111");
  auto scratch = target().scratch();
  const auto results = remote()
                           ->push(scratch, std::vector<RefUpdate>{{"refs/heads/lost", missing, absent},
                                                                  {"refs/heads/main", one, absent}})
                           .results;
  EXPECT_EQ(results.at(0).reason, Reason::missing_object);
  EXPECT_FALSE(results.at(0).accepted);
  EXPECT_TRUE(results.at(1).accepted);
}

TEST_F(PushTest, MoreRefsThanOneCommandLineHolds) {
  const auto one = commit(ours, "one");
  std::vector<RefUpdate> commands;
  for (int i = 0; i < 600; ++i)
    commands.push_back({fmt::format("refs/heads/{}/{}", std::string(100, 'x'), i), one, absent});
  auto scratch = target().scratch();
  const auto results = remote()->push(scratch, commands).results;
  ASSERT_EQ(results.size(), commands.size());
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_TRUE(results[i].accepted);
    EXPECT_EQ(results[i].name, commands[i].name);
  }
  EXPECT_EQ(refs(upstream).size(), commands.size());
}

TEST_F(PushTest, NoHookOfEitherSideRuns) {
  for (const auto* hook :
       {"pre-push", "pre-receive", "update", "post-receive", "post-update", "reference-transaction"}) {
    write_script(ours / "hooks" / hook, "touch " + (folder / "PWN").string());
    write_script(upstream / "hooks" / hook, "touch " + (folder / "PWN").string());
  }
  const auto one = commit(ours, "one");
  std::filesystem::remove(folder / "PWN");
  auto scratch = target().scratch();
  EXPECT_TRUE(remote()
                  ->push(scratch, std::vector<RefUpdate>{{"refs/heads/main", one, absent}})
                  .results.at(0)
                  .accepted);
  EXPECT_FALSE(planted_ran());
}

TEST_F(PushTest, FailsAsAWholeWhenTheUpstreamIsGone) {
  const auto one = commit(ours, "one");
  auto scratch = target().scratch();
  const auto answer = remote_at((folder / "none.git").string())
                          ->push(scratch, std::vector<RefUpdate>{{"refs/heads/main", one, absent}});
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->kind, ErrorKind::not_found) << answer.failure->message;
  EXPECT_THAT(answer.failure->message, HasSubstr("pushing to"));
  EXPECT_TRUE(answer.results.empty());
}

TEST_F(PushTest, FailsAsAWholeWhenTheUpstreamCannotStoreTheObjects) {
  const auto one = commit(ours, "one");
  plain_git(upstream, {"config", "receive.maxInputSize", "10"});
  auto scratch = target().scratch();
  const auto answer = remote()->push(
      scratch, std::vector<RefUpdate>{{"refs/heads/main", one, absent}, {"refs/heads/other", one, absent}});
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->kind, ErrorKind::transient);
  EXPECT_THAT(answer.failure->message, HasSubstr("unpacker error"));
  EXPECT_TRUE(answer.results.empty());
}

TEST_F(FetchTest, LeavesRoomOnTheDisk) {
  const auto one = commit(upstream, "one");
  set_ref(upstream, "refs/heads/main", one);
  const std::vector<std::string> names{"refs/heads/main"};
  Operation operation;
  operation.free_floor = uint64_t{1} << 60;
  auto scratch = target().scratch();
  const auto failure = failure_of([&] { remote_at(upstream.string(), operation)->fetch(scratch, names); });
  EXPECT_EQ(failure.kind, ErrorKind::transient);
  EXPECT_THAT(failure.message, HasSubstr("are to stay free; make room"));
  EXPECT_FALSE(scratch.reader().contains(one));
  operation.free_floor = 0;
  remote_at(upstream.string(), operation)->fetch(scratch, names);
  EXPECT_TRUE(scratch.reader().contains(one));
}

}  // namespace
}  // namespace refsyncd
