#include "config/auth.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/expand.h"

namespace refsyncd {
namespace {

constexpr std::string_view shapes =
    "{token: {file: PATH}}, {bearer: {file: PATH}}, {username: NAME, password: {file: PATH}} or {ssh_key: "
    "{file: PATH}}";

std::optional<SecretSource> variable_source(Reading& reading, const Field& field) {
  const auto name = read_text(reading, field);
  if (!name) return std::nullopt;
  if (is_variable_name(*name)) return SecretSource{SecretSource::Kind::environment, std::string(*name)};
  reading.problems.add(field.place(),
                       "'env' must be the name of an environment variable, such as GITHUB_TOKEN");
  return std::nullopt;
}

std::optional<std::string> read_username(Reading& reading, const Field& field) {
  const auto name = read_text(reading, field);
  if (!name) return std::nullopt;
  if (!name->empty() && name->find(':') == name->npos && !holds_control(*name)) return std::string(*name);
  reading.problems.add(field.place(),
                       "'username' must be one or more characters without ':' and control characters");
  return std::nullopt;
}

/// Reports keys that do not belong to the kind of authentication chosen.
void refuse_others(Reading& reading, const Fields& fields, std::string_view chosen,
                   std::initializer_list<std::string_view> others) {
  for (const auto name : others) {
    if (const auto field = fields[name]) {
      reading.problems.add(field.key.place(),
                           fmt::format("'{}' does not go with '{}'; write one of {}", name, chosen, shapes));
    }
  }
}

Auth read_token(Reading& reading, const Fields& fields) {
  refuse_others(reading, fields, "token", {"bearer", "password", "ssh_key", "known_hosts"});
  const auto token = read_secret_source(reading, fields["token"]);
  const auto username = read_username(reading, fields["username"]);
  if (!token) return {};
  return TokenAuth{*token, username.value_or(TokenAuth{}.username)};
}

Auth read_bearer(Reading& reading, const Fields& fields) {
  refuse_others(reading, fields, "bearer", {"username", "password", "ssh_key", "known_hosts"});
  const auto bearer = read_secret_source(reading, fields["bearer"]);
  if (!bearer) return {};
  return BearerAuth{*bearer};
}

Auth read_password(Reading& reading, const Fields& fields) {
  refuse_others(reading, fields, "password", {"ssh_key", "known_hosts"});
  const auto password = read_secret_source(reading, fields["password"]);
  const auto username = read_username(reading, fields["username"]);
  if (!fields["username"]) {
    reading.problems.add(fields["password"].key.place(), "'password' needs a 'username' beside it");
  }
  if (!password || !username) return {};
  return PasswordAuth{*username, *password};
}

Auth read_ssh(Reading& reading, const Fields& fields) {
  refuse_others(reading, fields, "ssh_key", {"username", "allow_plaintext"});
  const auto key = read_secret_source(reading, fields["ssh_key"]);
  const auto known_hosts = read_path(reading, fields["known_hosts"]);
  if (!fields["ssh_key"]) {
    reading.problems.add(fields["known_hosts"].key.place(), "'known_hosts' needs an 'ssh_key' beside it");
  }
  if (!key) return {};
  if (key->kind == SecretSource::Kind::environment) {
    reading.problems.add(fields["ssh_key"].place(), "an SSH key must be a file; write ssh_key: {file: PATH}");
    return {};
  }
  return SshAuth{key->name, known_hosts.value_or("")};
}

/// Reports credentials that the transport cannot carry, or not safely.
void check_transport(Reading& reading, const Fields& fields, const UpstreamUrl& url, bool allow_plaintext) {
  const auto place = fields.place();
  const bool ssh_auth = fields["ssh_key"] || fields["known_hosts"];
  const bool http_url = over_http(url.transport);
  if (url.transport == Transport::file) {
    reading.problems.add(place, "a file upstream takes no 'auth'; remove it");
  } else if (ssh_auth && http_url) {
    reading.problems.add(place, "'ssh_key' needs an ssh URL; for https write auth: {token: {file: PATH}}");
  } else if (!ssh_auth && !http_url) {
    reading.problems.add(
        place, "a token or password needs an https URL; for ssh write auth: {ssh_key: {file: PATH}}");
  } else if (url.transport == Transport::http && !url.loopback && !allow_plaintext) {
    reading.problems.add(place,
                         "credentials over http can be read by anybody on the way; write an https URL, or "
                         "allow_plaintext: true under 'auth' to accept that");
  }
}

}  // namespace

std::optional<SecretSource> read_secret_source(Reading& reading, const Field& field) {
  if (!field) return std::nullopt;
  if (!field.value.is_map()) {
    reading.problems.add(field.place(),
                         fmt::format("'{}' is a secret and must not stand in this file; write {}: "
                                     "{{file: PATH}} or {}: {{env: NAME}}",
                                     field.name, field.name, field.name));
    return std::nullopt;
  }
  const Fields fields(reading, field.value, keys::secret, "a secret");
  const auto file = fields["file"];
  const auto variable = fields["env"];
  if (static_cast<bool>(file) == static_cast<bool>(variable)) {
    reading.problems.add(
        field.place(),
        fmt::format("'{}' needs either 'file' or 'env'; write {}: {{file: PATH}}", field.name, field.name));
    return std::nullopt;
  }
  if (variable) return variable_source(reading, variable);
  const auto path = read_path(reading, file);
  if (!path) return std::nullopt;
  return SecretSource{SecretSource::Kind::file, *path};
}

Auth read_auth(Reading& reading, const Field& field, const UpstreamUrl* url) {
  if (!field) return {};
  if (!field.value.is_map()) {
    reading.problems.add(field.place(), fmt::format("'auth' must be one of {}", shapes));
    return {};
  }
  const Fields fields(reading, field.value, keys::auth, "auth");
  const bool allow_plaintext = read_bool(reading, fields["allow_plaintext"]).value_or(false);
  const bool any =
      fields["token"] || fields["bearer"] || fields["password"] || fields["ssh_key"] || fields["known_hosts"];
  if (!any) {
    reading.problems.add(field.place(), fmt::format("'auth' holds no credential; write one of {}", shapes));
    return {};
  }
  if (url != nullptr) check_transport(reading, fields, *url, allow_plaintext);
  if (fields["token"]) return read_token(reading, fields);
  if (fields["bearer"]) return read_bearer(reading, fields);
  if (fields["password"]) return read_password(reading, fields);
  return read_ssh(reading, fields);
}

}  // namespace refsyncd
