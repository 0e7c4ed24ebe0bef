#include "config/config.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory_resource>
#include <numeric>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "config/document.h"
#include "config/hosted.h"
#include "config/policies.h"
#include "config/settings.h"

namespace refsyncd {
namespace {

constexpr size_t largest_file = 64 << 20;

std::string join(const std::filesystem::path& file, const std::vector<ConfigProblem>& problems) {
  std::string text;
  for (const auto& problem : problems) {
    if (!text.empty()) text += '\n';
    text += file.string();
    if (problem.line > 0) text += fmt::format(":{}:{}", problem.line, problem.column);
    text += ": " + problem.message;
  }
  return text;
}

Document read_document(const std::string& text, const std::filesystem::path& file) {
  try {
    return Document(text);
  } catch (const SyntaxError& error) {
    throw ConfigError(
        file, {{static_cast<int>(error.place.line), static_cast<int>(error.place.column), error.what()}});
  }
}

/// Why there is no use in opening the file, or "".
std::string unreadable(const std::filesystem::path& file) {
  std::error_code problem;
  const auto status = std::filesystem::status(file, problem);
  if (!problem && !std::filesystem::is_regular_file(status)) {
    return "not a regular file; name one with --config";
  }
  if (::access(file.c_str(), R_OK) == 0) return "";
  return fmt::format("cannot be read: {}; name the configuration with --config",
                     std::generic_category().message(errno));
}

std::string text_of(const std::filesystem::path& file) {
  if (const auto problem = unreadable(file); !problem.empty()) throw ConfigError(file, {{0, 0, problem}});
  try {
    return read_file(file, largest_file);
  } catch (const Error& error) {
    throw ConfigError(file, {{0, 0, error.what()}});
  }
}

std::map<std::string, Place> places_in(Value section) {
  std::map<std::string, Place> places;
  if (!section.is_map()) return places;
  places.emplace("", section.place());
  for (auto key = section.first(); key; key = key.next().next()) {
    places.emplace(key.text(), key.next().place());
  }
  return places;
}

Rules read_defaults(Reading& reading, const Field& field) {
  return read_rules(reading, Fields(reading, field.value, keys::rules, "defaults"), Rules{},
                    RulesOf::defaults);
}

Config read_config(Reading& reading, Value root) {
  const Fields fields(reading, root, keys::file, "the file");
  Config config;
  config.service = read_service(reading, fields["service"]);
  config.service_places = places_in(fields["service"].value);
  config.http = read_http(reading, fields["http"], config.service);
  config.log = read_log(reading, fields["log"]);
  config.metrics = read_metrics(reading, fields["metrics"]);
  config.api = read_api(reading, fields["api"], config.service.kind);
  config.webhooks = read_webhooks(reading, fields["webhooks"], config.service.kind);
  const auto defaults = read_defaults(reading, fields["defaults"]);
  auto repos = read_repos(reading, fields["repos"], config.service);
  config.policies = read_policies(reading, fields["policies"], defaults, repos, config.service.kind);
  config.repos = std::move(repos.repos);
  config.index_repos();
  return config;
}

}  // namespace

ConfigError::ConfigError(const std::filesystem::path& file, std::vector<ConfigProblem> problems)
    : std::runtime_error(join(file, problems)), problems_(std::move(problems)) {}

void Config::index_repos() {
  repos_by_name.resize(repos.size());
  std::iota(repos_by_name.begin(), repos_by_name.end(), 0U);
  std::sort(repos_by_name.begin(), repos_by_name.end(),
            [this](uint32_t a, uint32_t b) { return repos[a].name < repos[b].name; });
}

const Repo* Config::repo(const std::string& name) const {
  if (repos_by_name.size() != repos.size()) {
    const auto found =
        std::find_if(repos.begin(), repos.end(), [&](const Repo& repo) { return repo.name == name; });
    return found == repos.end() ? nullptr : &*found;
  }
  const auto found =
      std::lower_bound(repos_by_name.begin(), repos_by_name.end(), name,
                       [this](uint32_t index, const std::string& n) { return repos[index].name < n; });
  return found == repos_by_name.end() || repos[*found].name != name ? nullptr : &repos[*found];
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    const auto equals = std::min(variable.find('='), variable.size());
    environment.emplace(variable.substr(0, equals), variable.substr(std::min(equals + 1, variable.size())));
  }
  return environment;
}

Config parse_config(const std::string& text, const std::filesystem::path& file,
                    const Environment& environment) {
  const auto document = read_document(text, file);
  if (document.root().is_null()) throw ConfigError(file, {{1, 1, std::string(empty_file)}});
  if (!document.root().is_map()) {
    throw ConfigError(file,
                      {{1, 1, "the file must be a mapping that begins with a key such as 'policies:'"}});
  }
  Problems problems;
  std::pmr::monotonic_buffer_resource scratch;
  Reading reading{problems, environment, std::filesystem::absolute(file).lexically_normal().parent_path(),
                  &scratch};
  auto config = read_config(reading, document.root());
  if (!problems.empty()) throw ConfigError(file, problems.take());
  config.file = file;
  return config;
}

Config load_config(const std::filesystem::path& file, const Environment& environment) {
  // What the document needed goes back to the system: reading takes several times what the result does.
  const Finally trim_heap([] { ::malloc_trim(0); });
  return parse_config(text_of(file), file, environment);
}

std::filesystem::path find_control_socket(const std::filesystem::path& file, const Environment& environment) {
  const auto text = text_of(file);
  const auto document = read_document(text, file);
  Problems ignored;
  Problems problems;
  const auto folder = std::filesystem::absolute(file).lexically_normal().parent_path();
  Reading lenient{ignored, environment, folder};
  Reading strict{problems, environment, folder};
  const Fields fields(lenient, document.root(), keys::file, "the file");
  auto socket = read_control_socket(lenient, strict, fields["service"], fields["http"]);
  if (!problems.empty()) throw ConfigError(file, problems.take());
  return socket;
}

}  // namespace refsyncd
