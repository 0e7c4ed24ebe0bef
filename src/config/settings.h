#pragma once
#include "config/reader.h"

namespace refsyncd {

ServiceConfig read_service(Reading& reading, const Field& field);
/// The socket's default depends on the data folder.
HttpConfig read_http(Reading& reading, const Field& field, const ServiceConfig& service);
/// The control socket alone. Mistakes that matter for it go to `strict`, all others to `lenient`.
std::string read_control_socket(Reading& lenient, Reading& strict, const Field& service, const Field& http);
LogConfig read_log(Reading& reading, const Field& field);
MetricsConfig read_metrics(Reading& reading, const Field& field);

}  // namespace refsyncd
