#include "config/repos.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "config/auth.h"
#include "config/upstream_url.h"

namespace refsyncd {
namespace {

constexpr uint64_t smallest_max_pack = uint64_t{1} << 20;
constexpr uint64_t largest_max_pack = uint64_t{16} << 40;  // the largest file of ext4

std::string managed_path(const std::string& folder, const std::string& name) {
  return fmt::format("{}/{}.git", folder, name);
}

/// Reads the entries of `repos` one after another into the table.
class RepoReader {
 public:
  RepoReader(Reading& reading, const ServiceConfig& service)
      : reading_(reading),
        kind_(service.kind),
        managed_folder_((service.data_dir / "repos" / service.org).string()),
        table_(reading.scratch) {}

  void reserve(size_t count) { table_.repos.reserve(count); }
  void read(Value name, Value value);
  RepoTable finish();

 private:
  bool accept_name(Value name);
  std::string read_ca_file(const Field& tls, const UpstreamUrl* url);
  Verify read_verify(const Field& field);
  std::optional<UpstreamUrl> read_url(const Fields& fields, const Field& upstream);
  void read_upstream(const Field& field, Repo& repo);
  void check_paths();

  void refuse_what_is_not_hosted(const Fields& fields, const Repo& repo);

  Reading& reading_;
  const ServiceKind kind_;
  std::string managed_folder_;
  RepoTable table_;
  std::vector<uint32_t> name_lines_;
  std::vector<Place> path_places_;  // of each repository's `path`, or of its name
  bool any_named_path_ = false;
};

bool RepoReader::accept_name(Value name) {
  if (!name.is_scalar()) {
    reading_.problems.add(name.place(), "a repository's name must be a word");
    return false;
  }
  const auto text = name.text();
  if (const auto problem = name_problem(text); !problem.empty()) {
    reading_.problems.add(name.place(),
                          fmt::format("'{}' is no repository name: {}", printable(text, 100), problem));
  }
  const auto [first, fresh] = table_.by_name.emplace(text, static_cast<uint32_t>(table_.repos.size()));
  if (!fresh) {
    reading_.problems.add(name.place(),
                          fmt::format("repository '{}' stands here a second time; the first is in line {}",
                                      printable(text, 100), name_lines_[first->second]));
  }
  return fresh;
}

void RepoReader::read(Value name, Value value) {
  if (!accept_name(name)) return;
  const Fields fields(reading_, value, keys::repo, "a repository");
  Repo repo{.name = std::string(name.text())};
  const auto path = fields["path"];
  if (auto named = read_path(reading_, path)) {
    repo.path = std::move(*named);
    repo.managed = false;
    any_named_path_ = true;
  } else {
    repo.path = managed_path(managed_folder_, repo.name);
  }
  table_.identities.emplace_back();
  name_lines_.push_back(name.place().line);
  path_places_.push_back(path ? path.place() : name.place());
  if (const auto upstream = fields["upstream"]) read_upstream(upstream, repo);
  if (kind_ == ServiceKind::mesa) refuse_what_is_not_hosted(fields, repo);
  table_.repos.push_back(std::move(repo));
}

/// Repositories of a hosted service lie there, and their upstreams speak smart HTTP.
void RepoReader::refuse_what_is_not_hosted(const Fields& fields, const Repo& repo) {
  const auto refuse = [&](Place place, std::string_view what) {
    reading_.problems.add(place, fmt::format("{} works with kind: local only; remove it", what));
  };
  if (fields["path"]) refuse(fields["path"].key.place(), "'path'");
  if (!repo.upstream || repo.upstream->url.empty()) return;
  const auto place = fields["upstream"].place();
  if (!over_http(repo.upstream->transport)) {
    refuse(place, "an upstream that is not https");
  }
  if (!repo.upstream->ca_file.empty()) refuse(place, "'tls'");
  if (repo.upstream->verify != Verify::fsck) refuse(place, "'verify'");
  if (repo.upstream->max_pack != default_max_pack) refuse(place, "'max_pack'");
  if (std::holds_alternative<BearerAuth>(repo.upstream->auth)) refuse(place, "'bearer'");
}

std::optional<UpstreamUrl> RepoReader::read_url(const Fields& fields, const Field& upstream) {
  const auto field = fields["url"];
  if (!field) {
    reading_.problems.add(upstream.key.place(),
                          "'upstream' needs a 'url', such as https://git.example.com/team/app.git");
    return std::nullopt;
  }
  const auto text = read_expanded(reading_, field);
  if (!text) return std::nullopt;
  try {
    return parse_upstream_url(*text, reading_.folder);
  } catch (const UrlError& problem) {
    reading_.problems.add(field.place(), problem.what());
    return std::nullopt;
  }
}

std::string RepoReader::read_ca_file(const Field& tls, const UpstreamUrl* url) {
  if (!tls) return "";
  const Fields fields(reading_, tls.value, keys::tls, "tls");
  if (url != nullptr && url->transport != Transport::https) {
    reading_.problems.add(tls.key.place(), "'tls' needs an https URL; remove it or change the URL");
  }
  return read_path(reading_, fields["ca_file"]).value_or("");
}

Verify RepoReader::read_verify(const Field& field) {
  static constexpr std::string_view words[] = {"fsck", "connectivity"};
  return read_choice(reading_, field, words) == 1 ? Verify::connectivity : Verify::fsck;
}

void RepoReader::read_upstream(const Field& field, Repo& repo) {
  if (field.value.is_scalar()) {
    reading_.problems.add(field.place(), "'upstream' must be a mapping; write upstream: {url: URL}");
    return;
  }
  const Fields fields(reading_, field.value, keys::upstream, "upstream");
  auto url = read_url(fields, field);
  auto& upstream = repo.upstream.emplace();  // also when wrong, so that policies do not miss it on top
  upstream.auth = read_auth(reading_, fields["auth"], url ? &*url : nullptr);
  upstream.ca_file = read_ca_file(fields["tls"], url ? &*url : nullptr);
  upstream.verify = read_verify(fields["verify"]);
  upstream.max_pack = read_size(reading_, fields["max_pack"], {smallest_max_pack, largest_max_pack})
                          .value_or(default_max_pack);
  if (!url) return;
  if (url->transport == Transport::file && url->url == repo.path) {
    reading_.problems.add(fields["url"].place(), "the upstream is the repository itself; write another path");
  }
  upstream.url = std::move(url->url);
  upstream.transport = url->transport;
  upstream.host = std::move(url->host);
  table_.identities.back() = url->identity;
}

/// Two repositories in one folder would overwrite each other's refs; links that lead to the same folder count
/// too.
void RepoReader::check_paths() {
  if (!any_named_path_) return;
  const auto canonical = [](const std::filesystem::path& path) {
    std::error_code unreadable;
    const auto real = std::filesystem::weakly_canonical(path, unreadable);
    return unreadable ? path.string() : real.string();
  };
  const auto managed_folder = canonical(managed_folder_);
  std::unordered_map<std::string, size_t> seen;
  for (size_t i = 0; i < table_.repos.size(); ++i) {
    const auto& repo = table_.repos[i];
    const auto real = repo.managed ? managed_path(managed_folder, repo.name) : canonical(repo.path);
    const auto [first, fresh] = seen.emplace(real, i);
    if (fresh) continue;
    reading_.problems.add(
        path_places_[i],
        fmt::format("repositories '{}' and '{}' lie in the same folder; give each its own 'path'",
                    printable(table_.repos[first->second].name, 100), printable(repo.name, 100)));
  }
}

RepoTable RepoReader::finish() {
  check_paths();
  return std::move(table_);
}

}  // namespace

const Repo* RepoTable::find(std::string_view name) const {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : &repos[found->second];
}

RepoTable read_repos(Reading& reading, const Field& field, const ServiceConfig& service) {
  RepoReader reader(reading, service);
  if (!field || field.value.is_null()) return reader.finish();
  if (!field.value.is_map()) {
    reading.problems.add(field.place(),
                         "'repos' must be a mapping of names; write repos: {app: {upstream: {url: URL}}}");
    return reader.finish();
  }
  reader.reserve(field.value.size() / 2);
  for (auto name = field.value.first(); name; name = name.next().next()) reader.read(name, name.next());
  return reader.finish();
}

}  // namespace refsyncd
