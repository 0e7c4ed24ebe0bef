#include "git/advertisement.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "git/libgit2.h"

namespace refsyncd {
namespace {

constexpr std::string_view branches = "refs/heads/";
constexpr std::string_view tags = "refs/tags/";
constexpr size_t growth = 8;

[[noreturn]] void not_understood(std::string_view line) {
  throw Error(ErrorKind::internal, fmt::format("git said something unexpected: '{}'", printable(line, 200)));
}

ObjectId parse_id(std::string_view digits, std::string_view line) {
  const auto id = advertised_id(digits);
  if (!id) not_understood(line);
  return *id;
}

void parse_line(std::string_view line, AdvertisementBuilder& refs) {
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) not_understood(line);
  const auto value = line.substr(0, tab);
  const auto name = line.substr(tab + 1);
  constexpr std::string_view symbolic = "ref: ";
  if (value.starts_with(symbolic)) {
    if (name == "HEAD") refs.set_head_target(value.substr(symbolic.size()));
  } else {
    refs.add(name, parse_id(value, line));
  }
}

/// The ref a FETCH_HEAD note tells of: "branch 'main' of URL", "tag 'v1' of URL". No ref name holds a space.
std::string noted_ref(std::string_view note) {
  constexpr std::pair<std::string_view, std::string_view> kinds[] = {{"branch '", branches}, {"tag '", tags}};
  for (const auto& [start, prefix] : kinds) {
    if (!note.starts_with(start)) continue;
    note.remove_prefix(start.size());
    const auto end = note.find("' of ");
    if (end != std::string_view::npos) return std::string(prefix) + std::string(note.substr(0, end));
  }
  return {};
}

}  // namespace

std::optional<ObjectId> advertised_id(std::string_view digits) {
  constexpr size_t sha256_digits = 64;
  if (digits.size() == sha256_digits) {
    throw Error(ErrorKind::bad_config,
                "the upstream uses SHA-256 object ids; only SHA-1 repositories are supported");
  }
  return ObjectId::from_hex(digits);
}

void AdvertisementBuilder::received(size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > limits_.max_bytes) {
    throw Error(ErrorKind::bad_config, fmt::format("the list is longer than {} bytes", limits_.max_bytes));
  }
}

void AdvertisementBuilder::add(std::string_view name, const ObjectId& id) {
  if (!name.starts_with(branches) && !name.starts_with(tags)) return;
  if (!is_valid_ref_name(name)) return;
  if (advertisement_.refs.size() == limits_.max_refs) {
    throw Error(ErrorKind::bad_config,
                fmt::format("the upstream has more than {} branches and tags", limits_.max_refs));
  }
  auto& refs = advertisement_.refs;
  // In wide steps: each one leaves memory behind that was touched, and pages to touch are dearer than to
  // parse.
  if (refs.size() == refs.capacity()) refs.reserve(std::max<size_t>(growth * refs.size(), 64));
  refs.push_back({std::string(name), id});
}

void AdvertisementBuilder::set_head_target(std::string_view target) {
  if (target.starts_with(branches) && is_valid_ref_name(target)) advertisement_.head_target = target;
}

Advertisement AdvertisementBuilder::finish() {
  auto& refs = advertisement_.refs;
  if (!std::is_sorted(refs.begin(), refs.end())) std::sort(refs.begin(), refs.end());
  const auto same_name = [](const RefValue& a, const RefValue& b) { return a.name == b.name; };
  refs.erase(std::unique(refs.begin(), refs.end(), same_name), refs.end());
  return std::move(advertisement_);
}

Advertisement parse_ls_remote(std::string_view output, size_t max_refs) {
  AdvertisementBuilder refs({.max_refs = max_refs});
  while (!output.empty()) {
    const auto end = output.find('\n');
    parse_line(output.substr(0, end), refs);
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
  }
  return refs.finish();
}

std::vector<RefValue> parse_fetch_head(std::string_view text) {
  std::vector<RefValue> refs;
  for (const auto line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto fields = split(line, '\t');
    if (fields.size() < 3) not_understood(line);
    const auto name = noted_ref(fields[2]);
    if (name.empty()) not_understood(line);
    refs.push_back({name, parse_id(fields[0], line)});
  }
  std::sort(refs.begin(), refs.end());
  return refs;
}

}  // namespace refsyncd
