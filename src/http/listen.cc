#include "http/listen.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace refsyncd {
namespace {

constexpr int backlog = 128;

/// What to listen on, and how to say so when it fails.
struct Target {
  std::string_view address;
  std::string_view setting;

  [[noreturn]] void refuse(std::string_view reason, std::string_view remedy,
                           ErrorKind kind = ErrorKind::bad_config) const {
    throw Error(kind, fmt::format("listening on {}: {}; {}", address, reason, remedy));
  }
  [[noreturn]] void refuse(int problem) const {
    refuse(std::generic_category().message(problem),
           problem == EADDRINUSE ? fmt::format("stop the program that has it, or change {}", setting)
                                 : fmt::format("change {}", setting),
           worth_waiting_for(problem) ? ErrorKind::transient : ErrorKind::bad_config);
  }
};

struct HostAndPort {
  std::string host;  // "" = every address
  std::string port;
};

HostAndPort split_address(const Target& target) {
  const auto colon = target.address.rfind(':');
  const auto malformed = [&] {
    target.refuse("not an address",
                  fmt::format("write {} as host:port, [ipv6]:port or :port", target.setting));
  };
  if (colon == std::string_view::npos) malformed();
  auto host = target.address.substr(0, colon);
  const auto port = target.address.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find_first_of(":[]") != std::string_view::npos) malformed();
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
    malformed();
  if (std::stoi(std::string(port)) > 65535) malformed();
  return {std::string(host), std::string(port)};
}

using AddressList = Owned<addrinfo, freeaddrinfo>;

AddressList resolve(const HostAndPort& where, int family, const Target& target) {
  addrinfo wanted{};
  wanted.ai_family = family;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  // localhost is loopback whatever the machine's files say (RFC 6761, section 6.3).
  const auto host = where.host == "localhost" ? "127.0.0.1" : where.host;
  addrinfo* found = nullptr;
  const int problem =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), where.port.c_str(), &wanted, &found);
  if (problem != 0) target.refuse(::gai_strerror(problem), fmt::format("change {}", target.setting));
  return AddressList(found);
}

/// A socket that listens on an address, or why there is none (errno).
struct Bound {
  FileDescriptor socket;
  int problem = 0;
};

Bound bind_to(const addrinfo& address) {
  FileDescriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return {FileDescriptor(), errno};
  const int on = 1;
  const int off = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return {FileDescriptor(), errno};
  }
  return {std::move(socket), 0};
}

/// "Every address" is one IPv6 socket that takes IPv4 too; a machine without IPv6 gets the IPv4 one.
FileDescriptor bind_first(const HostAndPort& where, const Target& target) {
  if (where.host.empty()) {
    auto both = bind_to(*resolve(where, AF_INET6, target));
    if (both.socket) return std::move(both.socket);
    if (both.problem != EAFNOSUPPORT && both.problem != EADDRNOTAVAIL) target.refuse(both.problem);
  }
  const auto addresses = resolve(where, where.host.empty() ? AF_INET : AF_UNSPEC, target);
  int problem = 0;
  for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
    auto bound = bind_to(*address);
    if (bound.socket) return std::move(bound.socket);
    problem = bound.problem;
  }
  target.refuse(problem);
}

uint16_t bound_port(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

sockaddr_un unix_address(const Target& target) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (target.address.empty() || target.address.size() >= sizeof name.sun_path) {
    target.refuse(fmt::format("the path has {} bytes", target.address.size()),
                  fmt::format("set {} to one of 1 to {} bytes", target.setting, sizeof name.sun_path - 1));
  }
  std::memcpy(name.sun_path, target.address.data(), target.address.size());
  return name;
}

FileDescriptor unix_socket(const Target& target) {
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) target.refuse(errno);
  return fd;
}

/// Removes a socket file nobody listens on. Refuses when it is anything else.
void remove_stale(const sockaddr_un& name, const Target& target) {
  struct stat existing {};
  if (::lstat(name.sun_path, &existing) != 0) return;
  if (!S_ISSOCK(existing.st_mode)) {
    target.refuse("a file is in its place", fmt::format("remove it, or change {}", target.setting));
  }
  const auto probe = unix_socket(target);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ||
      errno != ECONNREFUSED) {
    target.refuse("another process listens on it",
                  fmt::format("is refsyncd running already? Else change {}", target.setting));
  }
  ::unlink(name.sun_path);
}

}  // namespace

ListenSocket ListenSocket::tcp(std::string_view address, std::string_view setting) {
  const Target target{address, setting};
  const auto where = split_address(target);
  ListenSocket listening;
  listening.socket_ = bind_first(where, target);
  listening.port_ = bound_port(listening.descriptor());
  listening.address_ = fmt::format("{}:{}", address.substr(0, address.rfind(':')), listening.port_);
  return listening;
}

ListenSocket ListenSocket::unix_path(const std::filesystem::path& path, std::string_view setting) {
  const Target target{path.native(), setting};
  const auto name = unix_address(target);
  auto fd = unix_socket(target);
  remove_stale(name, target);
  // The file takes its mode from the socket's, so it is never open to others, not even for a moment.
  if (::fchmod(fd.get(), 0600) != 0) target.refuse(errno);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) target.refuse(errno);
  ListenSocket listening;
  listening.file_ = path;
  struct stat created {};
  if (::lstat(path.c_str(), &created) != 0) target.refuse(errno);
  listening.device_ = created.st_dev;
  listening.inode_ = created.st_ino;
  if (::listen(fd.get(), backlog) != 0) target.refuse(errno);
  listening.socket_ = std::move(fd);
  listening.address_ = path.native();
  return listening;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : socket_(std::move(other.socket_)),
      address_(std::move(other.address_)),
      port_(other.port_),
      file_(std::exchange(other.file_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ListenSocket::~ListenSocket() {
  struct stat existing {};
  if (file_.empty() || ::lstat(file_.c_str(), &existing) != 0) return;
  if (existing.st_dev == device_ && existing.st_ino == inode_) ::unlink(file_.c_str());
}

}  // namespace refsyncd
