#pragma once
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/handle.h"
#include "base/subprocess.h"
#include "base/text.h"

namespace refsyncd {

struct HttpRequest {
  std::string method;
  std::string path;   ///< without the query
  std::string query;  ///< without the question mark
  std::string head;   ///< request line and headers
  std::string body;

  /// The value of a header named in lower case, "" when it was not sent.
  std::string header(const std::string& name) const {
    for (const auto line : split(head, '\n')) {
      const auto colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      std::string found(line.substr(0, colon));
      for (auto& c : found) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (found == name) return std::string(trim(line.substr(colon + 1)));
    }
    return {};
  }
};

/// A small HTTP server on a port of the kernel's choice: one connection, one request at a time. The handler's
/// text is the whole response; an empty one keeps the connection open without an answer, and one that ends
/// with `and_hang` keeps it open after the rest.
class HttpUpstream {
 public:
  using Handler = std::function<std::string(const HttpRequest&)>;
  static constexpr std::string_view and_hang = "(and then nothing)";

  explicit HttpUpstream(Handler handler) : handler_(std::move(handler)) {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_.get(), 16) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~HttpUpstream() { ::shutdown(listener_.get(), SHUT_RDWR); }

  std::string url(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}/{}", port_, path);
  }

  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  static std::string answer(int status, const std::string& body, const std::string& headers = {}) {
    return fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                       body.size(), headers, body);
  }

 private:
  void serve() {
    for (;;) {
      FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection) return;
      const auto request = receive(connection.get());
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const auto response = handler_(request);
      std::string_view rest = response;
      const bool hangs = rest.empty() || rest.ends_with(and_hang);
      if (rest.ends_with(and_hang)) rest.remove_suffix(and_hang.size());
      while (!rest.empty()) {
        const auto count = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count <= 0) break;
        rest.remove_prefix(static_cast<size_t>(count));
      }
      if (hangs) silent_.push_back(std::move(connection));
    }
  }

  static HttpRequest receive(int connection) {
    HttpRequest request;
    std::string text;
    char buffer[1 << 16];
    size_t end = std::string::npos;
    size_t length = 0;
    while (end == std::string::npos || text.size() < end + 4 + length) {
      const auto count = ::recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      text.append(buffer, static_cast<size_t>(count));
      end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      request.head = text.substr(0, end);
      const auto declared = request.header("content-length");
      length = declared.empty() ? 0 : std::stoul(declared);
    }
    if (end == std::string::npos) return request;
    request.body = text.substr(end + 4);
    const auto words = split(std::string_view(request.head).substr(0, request.head.find("\r\n")), ' ');
    request.method = words.at(0);
    const auto question = words.at(1).find('?');
    request.path = words.at(1).substr(0, question);
    if (question != std::string_view::npos) request.query = words.at(1).substr(question + 1);
    return request;
  }

  Handler handler_;
  FileDescriptor listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::vector<FileDescriptor> silent_;
  std::jthread thread_;  // last: it uses everything above
};

/// Serves the repositories of a folder with Git's own HTTP backend, hooks and all.
inline std::string git_http_backend(const std::filesystem::path& root, const HttpRequest& request) {
  const auto finished = run_command(
      {.arguments = {"/usr/lib/git-core/git-http-backend"},
       .environment = {"PATH=/usr/bin:/bin", "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ada",
                       "GIT_CONFIG_NOSYSTEM=1", "HOME=" + root.string(), "GIT_PROJECT_ROOT=" + root.string(),
                       "PATH_INFO=" + request.path, "QUERY_STRING=" + request.query,
                       "REQUEST_METHOD=" + request.method, "CONTENT_TYPE=" + request.header("content-type"),
                       "CONTENT_LENGTH=" + std::to_string(request.body.size()),
                       "HTTP_CONTENT_ENCODING=" + request.header("content-encoding"),
                       "GIT_PROTOCOL=" + request.header("git-protocol")},
       .input = request.body});
  const auto end = finished.output.find("\r\n\r\n");
  if (end == std::string::npos) return HttpUpstream::answer(500, finished.error);
  auto headers = finished.output.substr(0, end + 2);
  int status = 200;
  if (headers.starts_with("Status: ")) {
    status = std::stoi(headers.substr(8));
    headers.erase(0, headers.find("\r\n") + 2);
  }
  return HttpUpstream::answer(status, finished.output.substr(end + 4), headers);
}

}  // namespace refsyncd
