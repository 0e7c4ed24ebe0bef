#include "model/policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace refsyncd {

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::pull: return "pull";
    case Direction::push: return "push";
  }
  return "pull";
}

std::optional<Direction> direction_from(std::string_view name) {
  if (name == "pull") return Direction::pull;
  if (name == "push") return Direction::push;
  return std::nullopt;
}

std::string_view to_string(AuthKind kind) {
  switch (kind) {
    case AuthKind::none: return "none";
    case AuthKind::token: return "token";
    case AuthKind::username_password: return "username_password";
  }
  return "none";
}

std::optional<AuthKind> auth_kind_from(std::string_view name) {
  for (const auto kind : {AuthKind::none, AuthKind::token, AuthKind::username_password}) {
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

AuthKind kind_of(const Auth& auth) {
  if (std::holds_alternative<TokenAuth>(auth) || std::holds_alternative<BearerAuth>(auth))
    return AuthKind::token;
  return std::holds_alternative<PasswordAuth>(auth) ? AuthKind::username_password : AuthKind::none;
}

std::string_view to_string(Transport transport) {
  switch (transport) {
    case Transport::https: return "https";
    case Transport::http: return "http";
    case Transport::ssh: return "ssh";
    case Transport::file: return "file";
  }
  return "file";
}

std::string_view username_of(const Auth& auth) {
  if (const auto* token = std::get_if<TokenAuth>(&auth)) return token->username;
  if (const auto* password = std::get_if<PasswordAuth>(&auth)) return password->username;
  return {};
}

std::string name_problem(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto allowed = [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; };
  if (name.empty()) return "it is empty";
  if (name.size() > 63) return fmt::format("it has {} characters, 63 are the most", name.size());
  if (!std::all_of(name.begin(), name.end(), allowed))
    return "use lower-case letters, digits, '.', '_' and '-'";
  if (!plain(name.front())) return "begin with a letter or digit";
  if (name.find("..") != std::string_view::npos) return "'..' is not allowed";
  for (const std::string_view ending : {".", ".git", ".lock"}) {
    if (name.ends_with(ending)) return fmt::format("it must not end in '{}'", ending);
  }
  return "";
}

}  // namespace refsyncd
