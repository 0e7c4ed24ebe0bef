#include "http/fault_server.h"

#include <fcntl.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace refsyncd {
namespace {

size_t content_length(std::string_view head) {
  constexpr std::string_view name = "Content-Length: ";
  const auto at = head.find(name);
  return at == std::string_view::npos ? 0 : std::stoul(std::string(head.substr(at + name.size())));
}

void run(const std::string& command) {
  if (std::system((command + " 2>/dev/null").c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ssl_ != nullptr
                          ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                          : static_cast<int>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Peer::read_some() {
  char bytes[16384];
  const auto count = ssl_ != nullptr ? SSL_read(ssl_, bytes, sizeof bytes)
                                     : static_cast<int>(::recv(socket_, bytes, sizeof bytes, 0));
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

std::optional<std::string> Peer::read(size_t count) {
  while (buffer_.size() < count) {
    if (!read_some()) return std::nullopt;
  }
  auto bytes = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return bytes;
}

std::optional<std::string> Peer::read_request() {
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_some()) return std::nullopt;
  }
  const auto head = end + 4;
  return read(head + content_length(buffer_.substr(0, head)));
}

bool Peer::answer(std::string_view status_and_headers, std::string_view body) {
  return send("HTTP/1.1 " + std::string(status_and_headers) +
              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
}

void Peer::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

ServerCertificate::ServerCertificate(const std::string& folder)
    : authority(folder + "/ca.pem"), certificate(folder + "/server.pem"), key(folder + "/server.key") {
  const std::string curve = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";
  std::ofstream(folder + "/extensions") << "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
  run("openssl req -x509" + curve + "-days 2 -subj '/CN=refsyncd test authority' -keyout " + folder +
      "/ca.key -out " + authority);
  run("openssl req" + curve + "-subj /CN=127.0.0.1 -keyout " + key + " -out " + folder + "/request");
  run("openssl x509 -req -days 2 -CAcreateserial -in " + folder + "/request -CA " + authority + " -CAkey " +
      folder + "/ca.key -extfile " + folder + "/extensions -out " + certificate);
}

FaultServer::FaultServer(Script script, const ServerCertificate* certificate, const std::string& protocol)
    : script_(std::move(script)), listening_(ListenSocket::tcp("127.0.0.1:0", "http.listen")) {
  if (!protocol.empty()) protocol_ = static_cast<char>(protocol.size()) + protocol;
  if (certificate != nullptr) {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    if (SSL_CTX_use_certificate_file(context_.get(), certificate->certificate.c_str(), SSL_FILETYPE_PEM) !=
            1 ||
        SSL_CTX_use_PrivateKey_file(context_.get(), certificate->key.c_str(), SSL_FILETYPE_PEM) != 1) {
      throw std::runtime_error("loading the certificate failed");
    }
    const auto choose = [](SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                           unsigned in_size, void* wanted) {
      const auto& ours = *static_cast<const std::string*>(wanted);
      unsigned char* chosen = nullptr;
      const auto found =
          SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                static_cast<unsigned>(ours.size()), in, in_size);
      *out = chosen;
      return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
    };
    if (!protocol_.empty()) SSL_CTX_set_alpn_select_cb(context_.get(), choose, &protocol_);
  }
  ::fcntl(listening_.descriptor(), F_SETFL, 0);  // accept() waits
  accepting_ = std::jthread([this] { accept_all(); });
}

FaultServer::~FaultServer() {
  ::shutdown(listening_.descriptor(), SHUT_RDWR);
  accepting_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& socket : sockets_) ::shutdown(socket.get(), SHUT_RDWR);
  }
  serving_.clear();
}

void FaultServer::accept_all() {
  for (;;) {
    const int socket = ::accept4(listening_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    ++connections_;
    const std::scoped_lock lock(mutex_);
    sockets_.emplace_back(socket);
    serving_.emplace_back([this, socket] { serve(socket); });
  }
}

void FaultServer::serve(int socket) {
  {
    const Owned<SSL, SSL_free> ssl(context_ ? SSL_new(context_.get()) : nullptr);
    if (ssl) SSL_set_fd(ssl.get(), socket);
    Peer peer(socket, ssl.get());
    if (!ssl || SSL_accept(ssl.get()) == 1) script_(peer);
  }
  const std::scoped_lock lock(mutex_);
  sockets_.remove_if([socket](const FileDescriptor& other) { return other.get() == socket; });
}

}  // namespace refsyncd
