#include "git/wire/capabilities.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/version.h"
#include "git/wire/refusal.h"

namespace refsyncd {
namespace {

constexpr size_t opening_size = 8;  // a packet's length and the first four bytes that it holds
constexpr std::string_view service = "# service=git-upload-pack";
constexpr std::string_view format_key = "object-format=";
constexpr std::string_view head_key = "symref=HEAD:";

bool has_word(std::string_view list, std::string_view word) {
  const auto words = split(list, ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

ServiceAdvertisementReader::ServiceAdvertisementReader(const AdvertisementLimits& limits) : refs_(limits) {}

void ServiceAdvertisementReader::feed(std::string_view bytes) {
  refs_.received(bytes.size());
  const auto pass_on = [this](Packet kind, std::string_view payload) { take(kind, payload); };
  if (!opened_) {
    const auto missing = bytes.substr(0, opening_size - opening_.size());
    opening_ += missing;
    bytes.remove_prefix(missing.size());
    if (opening_.size() < opening_size) return;
    check_opening();
    opened_ = true;
    packets_.feed(opening_, pass_on);
  }
  packets_.feed(bytes, pass_on);
}

ServiceAdvertisement ServiceAdvertisementReader::finish() {
  if (!opened_) check_opening();
  if (expected_ != Expected::nothing || !packets_.between_packets()) throw_ended_early();
  if (answer_.capabilities.version != 2) answer_.refs = refs_.finish();
  return std::move(answer_);
}

/// That it begins with four digits proves nothing: so does the dumb protocol's list, with an object id.
void ServiceAdvertisementReader::check_opening() const {
  for (const std::string_view known : {"# se", "vers", "ERR "}) {
    if (opening_.size() == opening_size && opening_.ends_with(known)) return;
  }
  throw Error(ErrorKind::not_found,
              "what answers there is not a smart HTTP Git server; it may be a web page, or the files of a "
              "repository without such a server (the dumb protocol)");
}

void ServiceAdvertisementReader::take(Packet kind, std::string_view payload) {
  if (kind == Packet::flush) return take_flush();
  if (kind != Packet::data) throw_unexpected(payload);
  throw_if_refusal(payload);
  const auto text = text_of(payload);
  switch (expected_) {
    case Expected::service:
      if (!text.starts_with('#')) return take_first(text);  // some leave the service's name out
      if (text != service) throw_unexpected(payload);
      expected_ = Expected::flush_after_service;
      return;
    case Expected::version_or_ref: return take_first(text);
    case Expected::capability: return take_capability(text);
    case Expected::ref: return take_ref(text);
    case Expected::flush_after_service:
    case Expected::nothing: throw_unexpected(payload);
  }
}

void ServiceAdvertisementReader::take_flush() {
  switch (expected_) {
    case Expected::flush_after_service: expected_ = Expected::version_or_ref; return;
    case Expected::version_or_ref:  // no refs, and then no capabilities either
    case Expected::capability:
    case Expected::ref: expected_ = Expected::nothing; return;
    case Expected::service:
    case Expected::nothing: throw_unexpected("0000");
  }
}

void ServiceAdvertisementReader::take_first(std::string_view text) {
  auto& capabilities = answer_.capabilities;
  if (text == "version 2") {
    capabilities.version = 2;
    expected_ = Expected::capability;
  } else if (text == "version 1" && capabilities.version == 0) {
    capabilities.version = 1;
    expected_ = Expected::version_or_ref;
  } else {
    const auto end = text.find('\0');
    if (end == std::string_view::npos) throw_unexpected(text);
    take_ref_capabilities(text.substr(end + 1));
    take_ref(text.substr(0, end));
    expected_ = Expected::ref;
  }
}

void ServiceAdvertisementReader::take_capability(std::string_view text) {
  auto& capabilities = answer_.capabilities;
  const auto key = text.substr(0, text.find('='));
  const auto value = text.substr(std::min(key.size() + 1, text.size()));
  if (key == "agent") {
    capabilities.agent = true;
  } else if (text.starts_with(format_key)) {
    take_object_format(value);
    capabilities.object_format = true;
  } else if (key == "ls-refs") {
    capabilities.ls_refs = true;
    capabilities.ls_refs_unborn = has_word(value, "unborn");
  } else if (key == "fetch") {
    capabilities.fetch = true;
    capabilities.fetch_sideband_all = has_word(value, "sideband-all");
  }
}

void ServiceAdvertisementReader::take_ref_capabilities(std::string_view words) {
  for (const auto word : split(words, ' ')) {
    if (word.starts_with(format_key)) take_object_format(word.substr(format_key.size()));
    if (word.starts_with(head_key)) refs_.set_head_target(word.substr(head_key.size()));
  }
}

void ServiceAdvertisementReader::take_ref(std::string_view text) {
  if (text.starts_with("shallow ")) return;  // git, which fetches from such servers, finds out itself
  const auto space = text.find(' ');
  const auto id = advertised_id(text.substr(0, space));
  if (!id || space == std::string_view::npos) throw_unexpected(text);
  const auto name = text.substr(space + 1);
  const bool peeled = name.ends_with("^{}");  // also what stands where there is no ref: "capabilities^{}"
  if (!peeled) refs_.add(name, *id);
}

/// A server may understand several; the first is the repository's (gitprotocol-capabilities(5)).
void ServiceAdvertisementReader::take_object_format(std::string_view name) {
  if (std::exchange(knows_format_, true) || name == "sha1") return;
  throw Error(ErrorKind::bad_config,
              fmt::format("the upstream's object format is {}; only SHA-1 repositories are supported",
                          printable(name, 40)));
}

std::string begin_command(const ServerCapabilities& capabilities, std::string_view command) {
  std::string request;
  append_packet(request, fmt::format("command={}\n", command));
  if (capabilities.agent) append_packet(request, fmt::format("agent=refsyncd/{}\n", version));
  if (capabilities.object_format) append_packet(request, "object-format=sha1\n");
  append_delimiter(request);
  return request;
}

}  // namespace refsyncd
