#include "config/policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "config/overlap.h"
#include "config/schedule_clashes.h"

namespace refsyncd {
namespace {

/// Reads the entries of `policies` one after another.
class PolicyReader {
 public:
  PolicyReader(Reading& reading, const Rules& defaults, const RepoTable& repos, ServiceKind kind,
               size_t count);

  void read(Value value);
  std::vector<Policy> finish();

 private:
  const Repo* read_repo(const Fields& fields);
  std::string read_policy_name(const Fields& fields, const std::string& repo,
                               std::optional<Direction> direction);
  void check_default_name(const Fields& fields, const std::string& name);
  void refuse_what_is_not_hosted(const Fields& fields, const Policy& policy);
  std::string repo_remedy(std::string_view name);

  Reading& reading_;
  const Rules& defaults_;
  const RepoTable& repos_;
  const ServiceKind kind_;
  std::vector<Policy> policies_;
  std::vector<Place> places_;
  std::pmr::unordered_map<std::pmr::string, uint32_t> line_of_name_;
  int suggestions_left_ = 20;  // each looks at every repository
};

PolicyReader::PolicyReader(Reading& reading, const Rules& defaults, const RepoTable& repos, ServiceKind kind,
                           size_t count)
    : reading_(reading), defaults_(defaults), repos_(repos), kind_(kind), line_of_name_(reading.scratch) {
  policies_.reserve(count);
  places_.reserve(count);
}

std::optional<Direction> read_direction(Reading& reading, const Fields& fields) {
  static constexpr std::string_view directions[] = {"pull", "push"};
  const auto field = fields["direction"];
  if (!field) {
    reading.problems.add(fields.place(),
                         "a policy needs a 'direction': pull (from the upstream) or push (to it)");
    return std::nullopt;
  }
  const auto choice = read_choice(reading, field, directions);
  if (!choice) return std::nullopt;
  return *choice == 0 ? Direction::pull : Direction::push;
}

void read_glob(Reading& reading, std::string_view key, Value value, std::vector<std::string>& globs) {
  if (!value.is_scalar()) {
    reading.problems.add(value.place(), fmt::format("a glob under '{}' must be a single value", key));
    return;
  }
  const auto problem = glob_problem(value.text());
  if (!problem.empty()) {
    reading.problems.add(value.place(),
                         fmt::format("the glob '{}' {}", printable(value.text(), 100), problem));
    return;
  }
  if (std::find(globs.begin(), globs.end(), value.text()) == globs.end()) globs.emplace_back(value.text());
}

/// One glob, or a list of them.
std::vector<std::string> read_glob_list(Reading& reading, const Field& field) {
  std::vector<std::string> globs;
  if (!field) return globs;
  if (field.value.is_list()) {
    if (field.value.size() == 0) {
      reading.problems.add(field.place(),
                           fmt::format("'{}' is an empty list; write globs, or leave the key out to match "
                                       "nothing",
                                       field.name));
    }
    for (auto item = field.value.first(); item; item = item.next())
      read_glob(reading, field.name, item, globs);
  } else if (read_text(reading, field)) {
    read_glob(reading, field.name, field.value, globs);
  }
  return globs;
}

RefGlobs read_ref_globs(Reading& reading, const Field& field) {
  if (field.value.is_scalar() || field.value.is_list()) {
    reading.problems.add(field.place(),
                         fmt::format("'{}' must be a mapping; write {}: {{branches: GLOB, tags: GLOB}}",
                                     field.name, field.name));
    return {};
  }
  const Fields fields(reading, field.value, keys::ref_globs, field.name);
  if (!fields["branches"] && !fields["tags"]) {
    reading.problems.add(
        field.place(),
        fmt::format("'{}' needs 'branches' or 'tags'; write them, or remove '{}'", field.name, field.name));
  }
  return {.branches = read_glob_list(reading, fields["branches"]),
          .tags = read_glob_list(reading, fields["tags"])};
}

std::string PolicyReader::repo_remedy(std::string_view name) {
  if (suggestions_left_-- <= 0) return "";
  std::vector<std::string_view> names;
  for (const auto& repo : repos_.repos) names.push_back(repo.name);
  const auto near = suggestion(name, names);
  return near.empty() ? "; add it there" : near;
}

const Repo* PolicyReader::read_repo(const Fields& fields) {
  const auto field = fields["repo"];
  if (!field) {
    reading_.problems.add(fields.place(), "a policy needs a 'repo': a name that stands under 'repos'");
    return nullptr;
  }
  const auto name = read_text(reading_, field);
  if (!name) return nullptr;
  const auto* repo = repos_.find(*name);
  if (repo == nullptr) {
    reading_.problems.add(field.place(), fmt::format("no repository '{}' stands under 'repos'{}",
                                                     printable(*name, 100), repo_remedy(*name)));
  } else if (!repo->upstream && kind_ == ServiceKind::local) {
    reading_.problems.add(field.place(),
                          fmt::format("repository '{}' has no 'upstream' to sync with; add one under "
                                      "'repos'",
                                      printable(*name, 100)));
  }
  return repo;
}

void PolicyReader::check_default_name(const Fields& fields, const std::string& name) {
  const auto problem = name_problem(name);
  if (problem.empty() || !name_problem(name.substr(0, name.rfind('-'))).empty()) return;
  reading_.problems.add(fields["repo"].place(),
                        fmt::format("the default name '{}' is no policy name: {}; give the policy "
                                    "a 'name'",
                                    printable(name, 100), problem));
}

/// The name as written or by default, reported when another policy has it; "" when there can be none.
std::string PolicyReader::read_policy_name(const Fields& fields, const std::string& repo,
                                           std::optional<Direction> direction) {
  const auto field = fields["name"];
  auto name = read_name(reading_, field).value_or("");
  if (!field && !repo.empty() && direction) {
    name = fmt::format("{}-{}", repo, to_string(*direction));
    check_default_name(fields, name);
  }
  if (name.empty()) return name;
  const auto place = field ? field.place() : fields.place();
  const auto [first, fresh] = line_of_name_.emplace(name, place.line);
  if (fresh) return name;
  reading_.problems.add(
      place,
      field ? fmt::format("the policy name '{}' is taken by line {}; choose another", name, first->second)
            : fmt::format("without a 'name' this policy is '{}', and so is line {}; give it a 'name'", name,
                          first->second));
  return "";
}

/// The hosted API knows one glob a kind of ref and nothing else: what it cannot promise is no silent no-op.
void PolicyReader::refuse_what_is_not_hosted(const Fields& fields, const Policy& policy) {
  if (kind_ != ServiceKind::mesa) return;
  const auto refuse = [&](std::string_view name) {
    const auto field = fields[name];
    reading_.problems.add(field ? field.key.place() : fields.place(),
                          fmt::format("'{}' works with kind: local only; remove it", name));
  };
  if (!policy.exclude.empty()) refuse("exclude");
  if (policy.force) refuse("force");
  if (policy.prune) refuse("prune");
}

void PolicyReader::read(Value value) {
  if (!value.is_map()) {
    reading_.problems.add(value.place(),
                          "a policy must be a mapping; write - {repo: NAME, direction: pull, every: 5m}");
    return;
  }
  const Fields fields(reading_, value, keys::policy, "a policy");
  const auto* repo = read_repo(fields);
  const auto direction = read_direction(reading_, fields);
  const auto globs = fields["ref_globs"];
  const auto exclude = fields["exclude"];
  Policy policy{
      .name = read_policy_name(fields, repo == nullptr ? "" : repo->name, direction),
      .repo = repo == nullptr ? "" : repo->name,
      .direction = direction.value_or(Direction::pull),
      .globs = globs ? read_ref_globs(reading_, globs) : RefGlobs::all(),
      .exclude = exclude ? read_ref_globs(reading_, exclude) : RefGlobs{},
  };
  auto rules = read_rules(reading_, fields, defaults_, RulesOf::policy);
  if (std::holds_alternative<CronSchedule>(rules.schedule)) rules.jitter.fraction = 0;
  policy.schedule = std::move(rules.schedule);
  policy.jitter = rules.jitter;
  policy.retry = rules.retry;
  policy.timeout = rules.timeout;
  policy.stale_after = rules.stale_after;
  policy.catch_up = rules.catch_up;
  policy.force = rules.force;
  policy.prune = rules.prune;
  refuse_what_is_not_hosted(fields, policy);
  if (policy.name.empty() || policy.repo.empty()) return;  // reported; not worth comparing with others
  policies_.push_back(std::move(policy));
  places_.push_back(fields.place());
}

std::vector<Policy> PolicyReader::finish() {
  report_clashes(reading_.problems, policies_, places_, repos_);
  return std::move(policies_);
}

}  // namespace

std::vector<Policy> read_policies(Reading& reading, const Field& field, const Rules& defaults,
                                  const RepoTable& repos, ServiceKind kind) {
  PolicyReader reader(reading, defaults, repos, kind, field.value.size());
  if (!field) {
    reading.problems.add(
        {},
        "'policies' is missing; list what to sync, or write 'policies: []' for an agent that only "
        "answers requests");
  } else if (!field.value.is_list()) {
    reading.problems.add(field.place(), "'policies' must be a list; begin each policy with '- '");
  }
  if (!field.value.is_list()) return reader.finish();
  for (auto item = field.value.first(); item; item = item.next()) reader.read(item);
  return reader.finish();
}

}  // namespace refsyncd
