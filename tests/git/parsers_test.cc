#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "git/advertisement.h"
#include "git/environment.h"
#include "git/packed_refs.h"
#include "git/push_report.h"
#include "git/redactor.h"
#include "git/remote_words.h"

namespace refsyncd {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::SizeIs;

const std::string one(40, '1');
const std::string two(40, '2');
const ObjectId id_one = *ObjectId::from_hex(one);
const ObjectId id_two = *ObjectId::from_hex(two);

TEST(LsRemote, KeepsBranchesTagsAndTheTargetOfHead) {
  const auto read =
      parse_ls_remote("ref: refs/heads/main\tHEAD\n" + one + "\tHEAD\n" + two + "\trefs/tags/v1\n" + one +
                          "\trefs/tags/v1^{}\n" + one + "\trefs/heads/main\n" + one +
                          "\trefs/pull/1/head\nref: refs/heads/main\trefs/remotes/o/HEAD\n",
                      10);
  EXPECT_EQ(read.refs, (std::vector<RefValue>{{"refs/heads/main", id_one}, {"refs/tags/v1", id_two}}));
  EXPECT_EQ(read.head_target, "refs/heads/main");
}

TEST(LsRemote, LeavesOutNamesThatNoRepositoryCanHold) {
  const auto line = [](const std::string& name) { return one + "\t" + name + "\n"; };
  const auto read = parse_ls_remote("ref: refs/heads/../x\tHEAD\n" + line("refs/heads/../../etc") +
                                        line("refs/heads/a b") + line("refs/heads/x.lock") +
                                        line("refs/heads/") + line("refs/heads/ok") + line("refs/heads/ok"),
                                    10);
  EXPECT_EQ(read.refs, (std::vector<RefValue>{{"refs/heads/ok", id_one}}));
  EXPECT_EQ(read.head_target, "");
}

TEST(LsRemote, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THROW(parse_ls_remote("garbage\n", 10), Error);
  EXPECT_THROW(parse_ls_remote("xyz\trefs/heads/main\n", 10), Error);
  EXPECT_THROW(parse_ls_remote("\n", 10), Error);
  EXPECT_THROW(parse_ls_remote(std::string(64, 'a') + "\trefs/heads/main\n", 10), Error);
}

TEST(FetchHead, NamesEveryFetchedRef) {
  const auto read = parse_fetch_head(one + "\t\tbranch 'main' of /srv/a 'b' of c\n" + two +
                                     "\tnot-for-merge\tbranch 'it's'of'x' of /srv\n" + two +
                                     "\tnot-for-merge\ttag 'v1' of https://h/x\n");
  EXPECT_EQ(read,
            (std::vector<RefValue>{
                {"refs/heads/it's'of'x", id_two}, {"refs/heads/main", id_one}, {"refs/tags/v1", id_two}}));
  EXPECT_THAT(parse_fetch_head(""), IsEmpty());
  EXPECT_THROW(parse_fetch_head(one + "\t\t'refs/pull/1/head' of x\n"), Error);
  EXPECT_THROW(parse_fetch_head("garbage\n"), Error);
}

struct PushRow {
  const char* name;
  const char* line;
  const char* error;
  bool accepted;
  Reason reason;
  const char* detail;
};
class PushReportTest : public testing::TestWithParam<PushRow> {};

TEST_P(PushReportTest, IsRead) {
  const auto& row = GetParam();
  const auto results = parse_push_report("To https://h/x\n" + std::string(row.line) + "\nDone\n", row.error);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].name, "refs/heads/x");
  EXPECT_EQ(results[0].accepted, row.accepted);
  if (!row.accepted) {
    EXPECT_EQ(to_string(results[0].reason), to_string(row.reason));
  }
  EXPECT_EQ(results[0].detail, row.detail);
  EXPECT_EQ(results[0].told, std::string_view(row.name) != "no_answer");
}

INSTANTIATE_TEST_SUITE_P(
    Lines, PushReportTest,
    testing::Values(
        PushRow{"fast_forward", " \t1111:refs/heads/x\t1111111..2222222", "", true, {}, ""},
        PushRow{"forced", "+\t1111:refs/heads/x\t1111111...2222222 (forced update)", "", true, {}, ""},
        PushRow{"created", "*\t1111:refs/heads/x\t[new branch]", "", true, {}, ""},
        PushRow{"deleted", "-\t:refs/heads/x\t[deleted]", "", true, {}, ""},
        PushRow{"already_there", "=\t1111:refs/heads/x\t[up to date]", "", true, {}, ""},
        PushRow{"stale", "!\t1111:refs/heads/x\t[rejected] (stale info)", "", false, Reason::raced,
                "stale info"},
        PushRow{"fetch_first", "!\t1111:refs/heads/x\t[rejected] (fetch first)", "", false, Reason::raced,
                "fetch first"},
        PushRow{"rewind", "!\t1111:refs/heads/x\t[rejected] (non-fast-forward)", "", false, Reason::raced,
                "non-fast-forward"},
        PushRow{"tag_appeared", "!\t1111:refs/heads/x\t[rejected] (already exists)", "", false, Reason::raced,
                "already exists"},
        PushRow{"hook", "!\t1111:refs/heads/x\t[remote rejected] (pre-receive hook declined)",
                "remote: GH006: Protected branch update failed.        \nremote: \nremote: Counting objects: "
                "5\nother\n",
                false, Reason::remote_refused,
                "pre-receive hook declined: GH006: Protected branch update failed."},
        PushRow{"nested_parentheses", "!\t1111:refs/heads/x\t[remote rejected] (no (really) no)", "", false,
                Reason::remote_refused, "no (really) no"},
        PushRow{"lost_the_race_on_the_server",
                "!\t1111:refs/heads/x\t[remote rejected] (failed to update ref)",
                "remote: error: cannot lock ref 'refs/heads/x': is at 2222 but expected 1111        \n",
                false, Reason::raced, "failed to update ref"},
        PushRow{"somebody_else_lost_the_race",
                "!\t1111:refs/heads/x\t[remote rejected] (failed to update ref)",
                "remote: error: cannot lock ref 'refs/heads/y': is at 2222 but expected 1111\n", false,
                Reason::remote_refused,
                "failed to update ref: error: cannot lock ref 'refs/heads/y': is at 2222 but expected 1111"},
        PushRow{"lock_reported_in_the_reason",
                "!\t1111:refs/heads/x\t[remote rejected] (cannot lock ref 'refs/heads/x': is at 2 but "
                "expected 1)",
                "", false, Reason::raced, "cannot lock ref 'refs/heads/x': is at 2 but expected 1"},
        PushRow{"no_answer", "!\t1111:refs/heads/x\t[remote failure] (remote failed to report status)", "",
                false, Reason::remote_refused, "remote failed to report status"},
        PushRow{"control_bytes", "!\t1111:refs/heads/x\t[remote rejected] (\x1b[2Jno)", "", false,
                Reason::remote_refused, "\\x1b[2Jno"}),
    [](const auto& row) { return row.param.name; });

TEST(PushReport, PassesOverOtherLines) {
  EXPECT_THAT(parse_push_report("", ""), IsEmpty());
  EXPECT_THAT(parse_push_report("To x\nDone\nfatal:\tx\ty\n!\tnocolon\t[rejected]\n", ""), IsEmpty());
}

TEST(RemoteWords, LeavesProgressOut) {
  EXPECT_EQ(remote_words("remote: Enumerating objects: 5, done.\nremote: Total 3 (delta 0)\nfatal: x\n"), "");
  EXPECT_EQ(remote_words("remote: one\nfatal: x\nremote:   two  \n"), "one two");
  EXPECT_LT(remote_words("remote: " + std::string(5000, 'x')).size(), 310u);
}

TEST(PackedRefs, WithoutChangesTheTextStaysAsItIs) {
  const auto text = "# pack-refs with: peeled fully-peeled sorted \n" + one + " refs/heads/a\n" + two +
                    " refs/tags/v\n^" + one + "\n";
  const PackedRefs packed(text);
  EXPECT_EQ(packed.find("refs/tags/v")->id, id_two);
  EXPECT_EQ(packed.find("refs/tags/none"), nullptr);
  EXPECT_EQ(packed.with({}), text);
}

TEST(PackedRefs, ChangesReplaceAddAndRemove) {
  const std::string header = "# pack-refs with: peeled fully-peeled sorted \n";
  const PackedRefs packed(header + one + " refs/heads/b\n" + one + " refs/heads/d\n" + two +
                          " refs/tags/v\n^" + one + "\n");
  EXPECT_EQ(packed.with({{"refs/tags/z", id_two, id_one},
                         {"refs/heads/d", {}, {}},
                         {"refs/heads/c", id_one, {}},
                         {"refs/heads/b", id_two, {}},
                         {"refs/tags/v", id_one, {}},
                         {"refs/heads/a", id_one, {}},
                         {"refs/heads/none", {}, {}}}),
            header + one + " refs/heads/a\n" + two + " refs/heads/b\n" + one + " refs/heads/c\n" + one +
                " refs/tags/v\n" + two + " refs/tags/z\n^" + one + "\n");
  EXPECT_EQ(PackedRefs("").with({{"refs/heads/a", id_one, {}}}), header + one + " refs/heads/a\n");
}

TEST(PackedRefs, KnowWhichNamesAreInTheWayOfANewOne) {
  const PackedRefs packed(one + " refs/heads/a\n" + one + " refs/heads/b-c\n" + one + " refs/heads/b/c\n");
  for (const auto* name : {"refs/heads/b", "refs/heads/a/x", "refs/heads/a/x/y", "refs/heads/b/c/d"})
    EXPECT_TRUE(packed.is_in_the_way_of(name)) << name;
  for (const auto* name : {"refs/heads/aa", "refs/heads/b-", "refs/heads/b/d", "refs/tags/a"})
    EXPECT_FALSE(packed.is_in_the_way_of(name)) << name;
}

TEST(PackedRefs, OldFilesWithoutHeaderAreSortedAndPromiseNothing) {
  const PackedRefs packed(two + " refs/heads/b\n" + one + " refs/heads/a\n" + one + " refs/heads/b\n");
  EXPECT_EQ(packed.find("refs/heads/b")->id, id_one) << "of two lines the last counts";
  EXPECT_EQ(packed.with({{"refs/heads/b", id_two, {}}}),
            "# pack-refs with: sorted \n" + one + " refs/heads/a\n" + two + " refs/heads/b\n");
}

TEST(PackedRefs, DamageIsNoticed) {
  for (const auto& text : {one + " refs/heads/a", "^" + one + "\n", std::string("xyz refs/heads/a\n"),
                           one + "\n", one + " refs/heads/a\n^123\n"}) {
    EXPECT_THROW(PackedRefs{text}, Error) << text;
  }
}

TEST(Redactor, FindsTheSecretInEveryForm) {
  const std::string secret = "p^%+/=x";
  const Redactor redact("user", Secret(secret));
  EXPECT_EQ(redact("raw p^%+/=x p^%+/=x."), "raw [secret] [secret].");
  EXPECT_EQ(redact("url p%5E%25%2B%2F%3Dx p%5e%25%2b%2f%3dx"), "url [secret] [secret]");
  EXPECT_EQ(redact("basic " + base64("user:" + secret)), "basic [secret]");
  EXPECT_EQ(redact("alone " + base64(secret)), "alone [secret]");
  EXPECT_EQ(redact("nothing here"), "nothing here");
}

TEST(Redactor, WithoutASecretChangesNothing) {
  EXPECT_EQ(Redactor("", Secret())("text [secret]"), "text [secret]");
}

TEST(Redactor, ASecretWithinItsOwnMarkEnds) {
  EXPECT_EQ(Redactor("", Secret("secret"))("a secret"), "a [secret]");
}

TEST(Environment, OverridesComeAsPairsAndAsAFile) {
  const auto environment =
      git_environment("/state", "/r.git", "https", {{"a.b", "1"}, {"http.https://h/.c", "2"}});
  for (const auto* expected :
       {"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_1=http.https://h/.c", "GIT_CONFIG_VALUE_1=2", "GIT_DIR=/r.git",
        "GIT_ALLOW_PROTOCOL=https", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "HOME=/state/home"}) {
    EXPECT_THAT(environment, Contains(expected));
  }
  EXPECT_EQ(as_config_file({{"a.b", "1"}, {"fetch.fsck.c", "ignore"}}),
            "[a]\n\tb = \"1\"\n[fetch \"fsck\"]\n\tc = \"ignore\"\n");
  EXPECT_EQ(shell_quoted("it's $(x)"), "'it'\\''s $(x)'");
}

}  // namespace
}  // namespace refsyncd
