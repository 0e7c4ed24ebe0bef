#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "git/program.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* name;
  const char* error;  ///< as git 2.39.5 and OpenSSH 9.2 print it
  ErrorKind kind;
  const char* message;
};

constexpr const char* ssh_tail =
    "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access "
    "rights\nand the "
    "repository exists.\n";

const Row rows[] = {
    // The network.
    {"unknown_host",
     "fatal: unable to access 'https://nonexistent.invalid/x/': Could not resolve host: "
     "nonexistent.invalid\n",
     ErrorKind::transient,
     "doing: unable to access 'https://nonexistent.invalid/x/': Could not resolve host: nonexistent.invalid"},
    {"closed_port",
     "fatal: unable to access 'https://127.0.0.1:1/x/': Failed to connect to 127.0.0.1 port 1 after 0 ms: "
     "Couldn't connect "
     "to server\n",
     ErrorKind::transient,
     "doing: unable to access 'https://127.0.0.1:1/x/': Failed to connect to 127.0.0.1 port 1 after 0 ms: "
     "Couldn't "
     "connect to server"},
    {"reset", "fatal: unable to access 'http://127.0.0.1:4/x/': Recv failure: Connection reset by peer\n",
     ErrorKind::transient,
     "doing: unable to access 'http://127.0.0.1:4/x/': Recv failure: Connection reset by peer"},
    {"too_slow",
     "fatal: unable to access 'http://h/x/': Operation too slow. Less than 1000 bytes/sec transferred the "
     "last 30 seconds\n",
     ErrorKind::transient,
     "doing: unable to access 'http://h/x/': Operation too slow. Less than 1000 bytes/sec transferred the "
     "last 30 "
     "seconds"},
    {"truncated_pack",
     "error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nerror: 4321 bytes of "
     "body are still "
     "expected\nfetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF\nfatal: "
     "fetch-pack: "
     "invalid index-pack output\n",
     ErrorKind::transient, "doing: early EOF"},
    {"server_error", "fatal: unable to access 'http://h/x/': The requested URL returned error: 503\n",
     ErrorKind::transient, "doing: unable to access 'http://h/x/': The requested URL returned error: 503"},
    {"ssh_unknown_host",
     "ssh: Could not resolve hostname nonexistent.invalid: Name or service not known\r\nfatal: Could not "
     "read from remote "
     "repository.\n",
     ErrorKind::transient,
     "doing: ssh: Could not resolve hostname nonexistent.invalid: Name or service not known"},
    {"ssh_refused",
     "ssh: connect to host 127.0.0.1 port 1: Connection refused\r\nfatal: Could not read from remote "
     "repository.\n",
     ErrorKind::transient, "doing: ssh: connect to host 127.0.0.1 port 1: Connection refused"},
    {"ssh_nothing_said", ssh_tail, ErrorKind::transient, "doing: Could not read from remote repository."},
    {"ref_vanished", "fatal: couldn't find remote ref refs/heads/gone\n", ErrorKind::transient,
     "doing: couldn't find remote ref refs/heads/gone"},
    {"somebody_holds_the_lock",
     "fatal: Unable to create '/r/packed-refs.lock': File exists.\n\nAnother git process seems to be running "
     "in this "
     "repository, e.g.\nan editor opened by 'git commit'.\n",
     ErrorKind::transient, "doing: Unable to create '/r/packed-refs.lock': File exists."},
    {"disk_full",
     "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output\n",
     ErrorKind::transient, "doing: write error: No space left on device"},
    // Patience.
    {"too_many_requests", "fatal: unable to access 'http://h/x/': The requested URL returned error: 429\n",
     ErrorKind::throttled, "doing: unable to access 'http://h/x/': The requested URL returned error: 429"},
    // Who we are.
    {"no_credentials", "fatal: could not read Username for 'http://127.0.0.1:4': terminal prompts disabled\n",
     ErrorKind::auth, "doing: could not read Username for 'http://127.0.0.1:4': terminal prompts disabled"},
    {"wrong_credentials",
     "remote: Invalid username or password.\nfatal: Authentication failed for 'https://h/x/'\n",
     ErrorKind::auth,
     "doing: Authentication failed for 'https://h/x/' (the upstream says: Invalid username or password.)"},
    {"forbidden",
     "remote: Permission to a/b.git denied to c.\nfatal: unable to access 'https://h/x/': The requested URL "
     "returned error: "
     "403\n",
     ErrorKind::auth,
     "doing: unable to access 'https://h/x/': The requested URL returned error: 403 (the upstream says: "
     "Permission to "
     "a/b.git denied to c.)"},
    {"ssh_key_refused",
     "root@127.0.0.1: Permission denied (publickey,keyboard-interactive).\r\nfatal: Could not read from "
     "remote "
     "repository.\n",
     ErrorKind::auth, "doing: root@127.0.0.1: Permission denied (publickey,keyboard-interactive)."},
    {"ssh_key_file_missing",
     "Warning: Identity file /nonexistent not accessible: No such file or directory.\r\nroot@127.0.0.1: "
     "Permission denied "
     "(publickey).\r\nfatal: Could not read from remote repository.\n",
     ErrorKind::auth, "doing: root@127.0.0.1: Permission denied (publickey)."},
    // What is not there.
    {"http_not_found", "remote: Repository not found.\nfatal: repository 'https://h/x/' not found\n",
     ErrorKind::not_found, "doing: remote: Repository not found."},
    {"http_not_found_without_words", "fatal: repository 'https://h/x/' not found\n", ErrorKind::not_found,
     "doing: repository 'https://h/x/' not found"},
    {"path_missing",
     "fatal: '/x/none.git' does not appear to be a git repository\nfatal: Could not read from remote "
     "repository.\n",
     ErrorKind::not_found, "doing: '/x/none.git' does not appear to be a git repository"},
    {"file_missing", "fatal: repository '/x' does not exist\n", ErrorKind::not_found,
     "doing: repository '/x' does not exist"},
    {"web_page", "fatal: http://h/x/info/refs not valid: is this a git repository?\n", ErrorKind::not_found,
     "doing: http://h/x/info/refs not valid: is this a git repository?"},
    // Whom not to trust.
    {"unknown_certificate",
     "fatal: unable to access 'https://h/x/': server certificate verification failed. CAfile: none CRLfile: "
     "none\n",
     ErrorKind::untrusted,
     "doing: unable to access 'https://h/x/': server certificate verification failed. CAfile: none CRLfile: "
     "none"},
    {"wrong_host_in_certificate",
     "fatal: unable to access 'https://h/x/': SSL: certificate subject name (other.example) does not match "
     "target host name "
     "'h'\n",
     ErrorKind::untrusted,
     "doing: unable to access 'https://h/x/': SSL: certificate subject name (other.example) does not match "
     "target host "
     "name 'h'"},
    {"certificate_problem_of_openssl",
     "fatal: unable to access 'https://h/x/': SSL certificate problem: self-signed certificate\n",
     ErrorKind::untrusted,
     "doing: unable to access 'https://h/x/': SSL certificate problem: self-signed certificate"},
    {"unknown_host_key",
     "No ED25519 host key is known for [127.0.0.1]:28422 and you have requested strict checking.\r\nHost key "
     "verification "
     "failed.\r\nfatal: Could not read from remote repository.\n",
     ErrorKind::untrusted,
     "doing: No ED25519 host key is known for [127.0.0.1]:28422 and you have requested strict checking.; add "
     "the host's "
     "key to known_hosts"},
    {"changed_host_key",
     "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key for [127.0.0.1]:28422 has "
     "changed and you have "
     "requested strict checking.\r\nHost key verification failed.\r\nfatal: Could not read from remote "
     "repository.\n",
     ErrorKind::untrusted,
     "doing: Host key for [127.0.0.1]:28422 has changed and you have requested strict checking."},
    {"bad_object",
     "error: object 2d98a: hasDotgit: contains '.git'\nfatal: fsck error in packed object\nfatal: "
     "fetch-pack: invalid "
     "index-pack output\n",
     ErrorKind::untrusted, "doing: object 2d98a: hasDotgit: contains '.git'"},
    {"foreign_owner",
     "fatal: detected dubious ownership in repository at '/x/own.git'\nTo add an exception for this "
     "directory, "
     "call:\n\n\tgit config --global --add safe.directory /x/own.git\nfatal: Could not read from remote "
     "repository.\n",
     ErrorKind::untrusted, "doing: detected dubious ownership in repository at '/x/own.git'"},
    // What the configuration must change.
    {"redirect", "fatal: unable to access 'http://h/x/': The requested URL returned error: 302\n",
     ErrorKind::bad_config,
     "doing: unable to access 'http://h/x/': The requested URL returned error: 302; the upstream redirects "
     "elsewhere; "
     "write its final URL"},
    {"transport", "fatal: transport 'ext' not allowed\n", ErrorKind::bad_config,
     "doing: transport 'ext' not allowed"},
    {"helper", "git: 'remote-evil' is not a git command. See 'git --help'.\n", ErrorKind::bad_config,
     "doing: git: 'remote-evil' is not a git command. See 'git --help'."},
    {"option_as_path", "fatal: strange pathname '--upload-pack=x' blocked\n", ErrorKind::bad_config,
     "doing: strange pathname '--upload-pack=x' blocked"},
    {"password_in_url", "fatal: URL 'https://u:<redacted>@127.0.0.1/x' uses plaintext credentials\n",
     ErrorKind::bad_config, "doing: URL 'https://u:<redacted>@127.0.0.1/x' uses plaintext credentials"},
    {"ca_file",
     "fatal: unable to access 'https://h/x/': Problem with the SSL CA cert (path? access rights?)\n",
     ErrorKind::bad_config,
     "doing: unable to access 'https://h/x/': Problem with the SSL CA cert (path? access rights?); is "
     "ca_file a readable "
     "PEM file?"},
    {"push_too_large",
     "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\nsend-pack: unexpected "
     "disconnect while "
     "reading sideband packet\nfatal: the remote end hung up unexpectedly\n",
     ErrorKind::bad_config,
     "doing: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413; the upstream refuses "
     "requests this "
     "large"},
    // Everything else.
    {"unheard_of", "warning: something\nfatal: the moon is full\n", ErrorKind::internal,
     "doing: the moon is full"},
    {"only_an_error_line", "error: not today\n", ErrorKind::internal, "doing: not today"},
    {"silence", "", ErrorKind::internal, "doing: git failed with exit code 128"},
    {"terminal_control", "fatal: \x1b[2J\x07gone\n", ErrorKind::internal, "doing: \\x1b[2J\\x07gone"},
    {"after_progress",
     "remote: Counting objects: 50% (1/2)\rremote: Counting objects: 100% (2/2), done.\nfatal: odd\n",
     ErrorKind::internal, "doing: odd"},
};

class FailureTest : public testing::TestWithParam<Row> {};

TEST_P(FailureTest, IsUnderstood) {
  const auto error =
      classify_git_failure({.ending = Ending::exited, .code = 128, .error = GetParam().error}, "doing");
  EXPECT_EQ(to_string(error.kind()), to_string(GetParam().kind));
  EXPECT_STREQ(error.what(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(Texts, FailureTest, testing::ValuesIn(rows),
                         [](const auto& row) { return row.param.name; });

TEST(Failure, OurOwnDecisionsAreNotTheUpstreamsFault) {
  const auto timed_out = classify_git_failure({.ending = Ending::timed_out, .took = 90'400ms}, "fetching");
  EXPECT_EQ(timed_out.kind(), ErrorKind::transient);
  EXPECT_STREQ(timed_out.what(), "fetching: timed out after 1m30s");
  const auto stopped = classify_git_failure({.ending = Ending::stopped}, "fetching");
  EXPECT_EQ(stopped.kind(), ErrorKind::transient);
  EXPECT_STREQ(stopped.what(), "fetching: stopped");
  EXPECT_EQ(classify_git_failure({.ending = Ending::output_too_large}, "listing").kind(),
            ErrorKind::bad_config);
  EXPECT_STREQ(classify_git_failure({.ending = Ending::signalled, .code = 9}, "fetching").what(),
               "fetching: git was ended by signal 9");
}

TEST(Failure, OnlyGitsOwnWordsTellOfAShallowUpstreamAndOfAFullFile) {
  const std::string shallow =
      "warning: rejected refs/heads/a because shallow roots are not allowed to be updated\n";
  EXPECT_TRUE(tells_of_shallow_upstream({.error = "remote: Counting\r\n" + shallow}));
  EXPECT_FALSE(tells_of_shallow_upstream({.error = "remote: " + shallow}));
  const std::string full = "fatal: write error: File too large\n";
  EXPECT_TRUE(tells_of_file_size_limit({.code = 128, .error = full + "fatal: invalid index-pack output\n"}));
  EXPECT_FALSE(tells_of_file_size_limit({.code = 128, .error = "remote: " + full}));
}

TEST(Failure, TheMessageIsOneLineOfBoundedLength) {
  const std::string message =
      classify_git_failure({.code = 1, .error = "fatal: " + std::string(100'000, 'x')}, "doing").what();
  EXPECT_LT(message.size(), 600u);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace refsyncd
