#include "config/settings.h"

#include <fmt/format.h>
#include <sys/un.h>

#include "base/text.h"
#include "config/expand.h"
#include "config/hosted.h"
#include "config/listen_address.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
constexpr size_t longest_socket_path = sizeof(sockaddr_un::sun_path) - 1;

/// $STATE_DIRECTORY may hold several folders (systemd.exec(5)); the first is ours.
std::filesystem::path default_data_dir(const Environment& environment) {
  const auto state = environment.find("STATE_DIRECTORY");
  if (state == environment.end() || state->second.empty()) return "refsyncd-data";
  return state->second.substr(0, state->second.find(':'));
}

ServiceKind read_kind(Reading& reading, const Field& field) {
  static constexpr std::string_view kinds[] = {"local", "mesa"};
  return read_choice(reading, field, kinds) == 1 ? ServiceKind::mesa : ServiceKind::local;
}

bool read_maintenance(Reading& reading, const Field& field) {
  static constexpr std::string_view choices[] = {"auto", "off"};
  return read_choice(reading, field, choices) != 1;
}

void check_socket(Reading& reading, Place place, const std::string& socket) {
  if (socket.size() <= longest_socket_path) return;
  reading.problems.add(
      place, fmt::format("the path of the control socket has {} bytes, {} are the most ({}); write a "
                         "shorter one under http: {{socket: PATH}}",
                         socket.size(), longest_socket_path, printable(socket, 300)));
}

std::optional<std::string> read_listen(Reading& reading, const Field& field) {
  auto listen = read_expanded(reading, field);
  if (!listen) return std::nullopt;
  if (*listen == "off") return "";
  const auto problem = listen_problem(*listen);
  if (problem.empty()) return listen;
  reading.problems.add(field.place(),
                       fmt::format("'{}' is no address to listen on: {}", printable(*listen, 100), problem));
  return std::nullopt;
}

std::filesystem::path read_data_dir(Reading& reading, const Field& field) {
  const auto working_directory = std::filesystem::current_path();
  const auto written = read_path(reading, field, working_directory);
  return written ? *written
                 : absolute_path(working_directory, default_data_dir(reading.environment).string());
}

std::string read_socket(Reading& reading, const Field& field, const std::filesystem::path& data_dir) {
  return read_path(reading, field).value_or((data_dir / "control.sock").string());
}

}  // namespace

ServiceConfig read_service(Reading& reading, const Field& field) {
  const Fields fields(reading, field.value, keys::service, "service");
  const ServiceConfig defaults;
  const auto kind = read_kind(reading, fields["kind"]);
  refuse_keys_of_other_kind(reading, fields, kind);
  return {
      .kind = kind,
      .mesa = kind == ServiceKind::mesa ? read_mesa(reading, fields) : MesaConfig{},
      .org = read_name(reading, fields["org"]).value_or(kind == ServiceKind::mesa ? "" : defaults.org),
      .data_dir = read_data_dir(reading, fields["data_dir"]),
      .concurrency = read_count(reading, fields["concurrency"], {1, 1000}).value_or(defaults.concurrency),
      .per_host = read_count(reading, fields["per_host"], {1, 1000}).value_or(defaults.per_host),
      .drain = read_duration(reading, fields["drain"], {0s, 24h}).value_or(defaults.drain),
      .retention =
          read_duration(reading, fields["retention"], {1s, 24h * 36'500}).value_or(defaults.retention),
      .maintenance = read_maintenance(reading, fields["maintenance"]),
  };
}

HttpConfig read_http(Reading& reading, const Field& field, const ServiceConfig& service) {
  const Fields fields(reading, field.value, keys::http, "http");
  const auto socket_field = fields["socket"];
  HttpConfig http{.listen = read_listen(reading, fields["listen"]).value_or(HttpConfig{}.listen),
                  .socket = read_socket(reading, socket_field, service.data_dir)};
  check_socket(reading, socket_field ? socket_field.place() : fields.place(), http.socket);
  return http;
}

std::string read_control_socket(Reading& lenient, Reading& strict, const Field& service, const Field& http) {
  const Fields service_fields(lenient, service.value, keys::service, "service");
  const Fields http_fields(lenient, http.value, keys::http, "http");
  const auto data_dir =
      http_fields["socket"] ? std::filesystem::path() : read_data_dir(strict, service_fields["data_dir"]);
  return read_socket(strict, http_fields["socket"], data_dir);
}

LogConfig read_log(Reading& reading, const Field& field) {
  static constexpr std::string_view levels[] = {"trace", "debug", "info", "warning", "error"};
  static constexpr std::string_view formats[] = {"auto", "text", "json", "journal"};
  const Fields fields(reading, field.value, keys::log, "log");
  LogConfig log;
  if (const auto level = read_choice(reading, fields["level"], levels))
    log.level = static_cast<LogLevel>(*level);
  if (const auto format = read_choice(reading, fields["format"], formats))
    log.format = static_cast<LogFormat>(*format);
  return log;
}

MetricsConfig read_metrics(Reading& reading, const Field& field) {
  const Fields fields(reading, field.value, keys::metrics, "metrics");
  return {
      .max_policies =
          read_count(reading, fields["max_policies"], {0, 1'000'000}).value_or(MetricsConfig{}.max_policies)};
}

}  // namespace refsyncd
