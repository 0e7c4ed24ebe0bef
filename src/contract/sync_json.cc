#include "contract/sync_json.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <limits>
#include <utility>

#include "base/text.h"
#include "contract/json_fields.h"

namespace refsyncd {
namespace {

using nlohmann::json;

constexpr auto no_limit = std::numeric_limits<size_t>::max();

bool is_utf8(const std::string& text) try {
  [[maybe_unused]] const auto checked = json(text).dump();
  return true;
} catch (const json::type_error&) {
  return false;
}

std::string as_utf8(const std::string& text) { return is_utf8(text) ? text : printable(text, no_limit); }

json time_or_null(const std::optional<WallTime>& time) { return time ? json(format_time(*time)) : json(); }

json ref_json(const RefResult& ref) {
  json value = {{"name", as_utf8(ref.name)},
                {"before", ref.before ? json(ref.before->hex()) : json()},
                {"after", ref.after.hex()},
                {"outcome", to_string(ref.outcome)},
                {"reason", to_string(ref.reason)}};
  if (value["name"] != ref.name) value["name_base64"] = base64(ref.name);
  if (ref.offered) value["offered"] = ref.offered->hex();
  if (!ref.detail.empty()) value["detail"] = as_utf8(ref.detail);
  return value;
}

std::optional<std::string> from_base64(const std::string& text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const auto length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0 || text.empty()) return std::nullopt;
  bytes.resize(static_cast<size_t>(length) - (text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0));
  return bytes;
}

/// What the outcome alone lets one say, for services that give no reason.
Reason likely_reason(const RefResult& ref) {
  switch (ref.outcome) {
    case Outcome::updated:
      if (ref.after.absent()) return Reason::pruned;
      return ref.before ? Reason::fast_forward : Reason::created;
    case Outcome::unchanged: return Reason::up_to_date;
    case Outcome::filtered: return Reason::excluded;
    case Outcome::rejected: return Reason::remote_refused;
  }
  return Reason::remote_refused;
}

RefResult ref_from_json(const json& value, std::string path) {
  const JsonFields fields(value, std::move(path));
  RefResult ref;
  ref.name = fields.parsed_if_there("name_base64", from_base64).value_or(fields.text("name"));
  ref.before = fields.parsed_if_there("before", ObjectId::from_hex);
  ref.after = fields.parsed("after", ObjectId::from_hex);
  ref.outcome = fields.parsed("outcome", outcome_from);
  ref.reason = reason_from(fields.text_or("reason", "")).value_or(likely_reason(ref));
  ref.offered = fields.parsed_if_there("offered", ObjectId::from_hex);
  ref.detail = fields.text_or("detail", "");
  return ref;
}

std::shared_ptr<const RefResults> refs_from_json(const json* stats) {
  if (stats == nullptr) return nullptr;
  const auto& list = JsonFields(*stats, "stats").list("refs");
  auto refs = std::make_shared<RefResults>();
  refs->reserve(list.size());
  for (const auto& ref : list)
    refs->push_back(ref_from_json(ref, fmt::format("stats.refs[{}]", refs->size())));
  return refs;
}

std::optional<Failure> failure_from_json(const JsonFields& fields) {
  if (fields.find("error") == nullptr) return std::nullopt;
  const auto kind = error_kind_from(fields.text_or("error_kind", "")).value_or(ErrorKind::internal);
  return Failure{.kind = kind, .message = printable(fields.text("error"))};
}

int attempt_from_json(const JsonFields& fields) {
  const auto& value = fields.get("attempt");
  constexpr int most = std::numeric_limits<int>::max();
  if (!value.is_number_integer() || value < 0 || value > most) unexpected("attempt", "is not a whole number");
  return value.get<int>();
}

/// The contract's rules between status and the other fields.
void check_status(const Sync& sync) {
  const bool failed = sync.status == SyncStatus::failed;
  if (failed != sync.failure.has_value())
    unexpected("error", failed ? "is missing" : "is set on a sync that did not fail");
  if (sync.status == SyncStatus::completed && !sync.refs) unexpected("stats", "is missing");
  if (!sync.terminal() && sync.refs) unexpected("stats", "is set on a sync that has not ended");
}

}  // namespace

json stats_json(const RefResults& results) {
  auto refs = json::array();
  for (const auto& ref : results) refs.push_back(ref_json(ref));
  return {{"refs", std::move(refs)}};
}

std::string sync_text(Sync sync, const json& more) {
  const auto refs = std::exchange(sync.refs, nullptr);
  auto value = to_json_value(sync);
  value.update(more);
  if (!refs) return json_text(value);
  value.erase("stats");
  auto text = json_text(value);
  constexpr size_t usual_ref = 256;
  text.reserve(text.size() + refs->size() * usual_ref);
  text.back() = ',';  // there is more before its brace
  text += "\"stats\":{\"refs\":[";
  const char* separator = "";
  for (const auto& ref : *refs) text.append(std::exchange(separator, ",")).append(json_text(ref_json(ref)));
  return text += "]}}";
}

json to_json_value(const Sync& sync) {
  const auto& request = sync.request;
  json value = {
      {"id", sync.id},
      {"repo_id", sync.repo_id},
      {"repo", as_utf8(request.repo)},
      {"direction", to_string(request.direction)},
      {"status", to_string(sync.status)},
      {"attempt", sync.attempt},
      {"ref_globs",
       {{"branches", as_utf8(join_globs(request.globs.branches))},
        {"tags", as_utf8(join_globs(request.globs.tags))}}},
      {"stats", sync.refs ? stats_json(*sync.refs) : json()},
      {"error", sync.failure ? json(as_utf8(sync.failure->message)) : json()},
      {"created_at", format_time(sync.created_at)},
      {"started_at", time_or_null(sync.started_at)},
      {"finished_at", time_or_null(sync.finished_at)},
  };
  if (!request.policy.empty()) value["policy"] = as_utf8(request.policy);
  if (sync.failure) value["error_kind"] = to_string(sync.failure->kind);
  return value;
}

Sync sync_from_json(const json& value) {
  const JsonFields fields(value, "", "sync");
  const JsonFields globs(fields.get("ref_globs"), "ref_globs");
  Sync sync;
  sync.id = fields.text("id");
  sync.repo_id = fields.text("repo_id");
  sync.request.repo = fields.text_or("repo", "");
  sync.request.policy = fields.text_or("policy", "");
  sync.request.direction = fields.parsed("direction", direction_from);
  sync.request.globs = {split_globs(globs.text("branches")), split_globs(globs.text("tags"))};
  sync.status = fields.parsed("status", sync_status_from);
  sync.attempt = attempt_from_json(fields);
  sync.refs = refs_from_json(fields.find("stats"));
  sync.failure = failure_from_json(fields);
  sync.created_at = fields.parsed("created_at", parse_time);
  sync.started_at = fields.parsed_if_there("started_at", parse_time);
  sync.finished_at = fields.parsed_if_there("finished_at", parse_time);
  check_status(sync);
  return sync;
}

}  // namespace refsyncd
