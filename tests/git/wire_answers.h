#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "git/wire/pkt_line.h"
#include "real_git.h"

namespace refsyncd {

inline std::string packet(std::string_view payload) {
  std::string bytes;
  append_packet(bytes, payload);
  return bytes;
}

inline constexpr std::string_view flush = "0000";

using Pieces = std::vector<std::string_view>;

/// Feeds all pieces to a reader and ends it.
template <typename Reader>
auto read_pieces(Reader reader, const Pieces& pieces) {
  for (const auto piece : pieces) reader.feed(piece);
  return reader.finish();
}

/// Checks that `read`, which takes Pieces, gives the same for an answer in one piece, in two pieces cut
/// anywhere, and byte by byte. Returns what it gives.
template <typename Read>
auto read_however_cut(const std::string& answer, const Read& read) {
  const std::string_view bytes = answer;
  auto whole = read(Pieces{bytes});
  Pieces single;
  for (size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_EQ(read(Pieces{bytes.substr(0, at), bytes.substr(at)}), whole) << "cut at byte " << at;
    single.push_back(bytes.substr(at, 1));
  }
  EXPECT_EQ(read(single), whole) << "byte by byte";
  return whole;
}

/// The failure that `call` ends with; a test failure when it does not.
template <typename Call>
Failure failure_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.failure();
  }
  ADD_FAILURE() << "no error";
  return {};
}

/// The server's side of the protocol, by git itself.
class RealUploadPack : public RealGit {
 protected:
  /// What `git upload-pack` answers to a request, or what it advertises when there is none. It may fail after
  /// having said why.
  std::string upload_pack(const std::filesystem::path& repository, int protocol,
                          const std::string& request = {}) const {
    const Command command{
        .arguments = {"/usr/bin/git", "upload-pack",
                      request.empty() ? "--http-backend-info-refs" : "--stateless-rpc", repository.string()},
        .environment = {"PATH=/usr/bin:/bin", "HOME=" + folder.path().string(), "GIT_CONFIG_NOSYSTEM=1",
                        "GIT_PROTOCOL=version=" + std::to_string(protocol), "LC_ALL=C"},
        .input = request};
    return run_command(command).output;
  }
};

}  // namespace refsyncd
