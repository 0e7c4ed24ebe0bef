#include "git/wire/ls_refs.h"

#include <fmt/format.h>

#include <algorithm>

#include "git/wire/refusal.h"

namespace refsyncd {
namespace {

constexpr size_t most_prefixes = 200;
constexpr std::string_view symref_target = "symref-target:";

/// Takes the first word and the space behind it off the front.
std::string_view take_word(std::string_view& text) {
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

void take_head(std::string_view attributes, AdvertisementBuilder& refs) {
  while (!attributes.empty()) {
    const auto attribute = take_word(attributes);
    if (attribute.starts_with(symref_target)) refs.set_head_target(attribute.substr(symref_target.size()));
  }
}

/// (object id or "unborn") SP name *(SP attribute)
void take_ref(std::string_view text, AdvertisementBuilder& refs) {
  auto rest = text;
  const auto value = take_word(rest);
  const auto name = take_word(rest);
  if (name.empty()) throw_unexpected(text);
  if (name == "HEAD") return take_head(rest, refs);
  if (value == "unborn") return;
  const auto id = advertised_id(value);
  if (!id) throw_unexpected(text);
  refs.add(name, *id);
}

}  // namespace

std::string ls_refs_request(const ServerCapabilities& capabilities, std::span<const std::string> prefixes) {
  auto request = begin_command(capabilities, "ls-refs");
  // Not "peel": which commit a tag leads to is no part of an Advertisement, and costs the server a look at
  // every tag's object.
  append_packet(request, "symrefs\n");
  if (capabilities.ls_refs_unborn) append_packet(request, "unborn\n");
  append_packet(request, "ref-prefix HEAD\n");
  if (prefixes.empty() || prefixes.size() > most_prefixes) {
    append_packet(request, "ref-prefix refs/heads/\n");
    append_packet(request, "ref-prefix refs/tags/\n");
  } else {
    for (const auto& prefix : prefixes) append_packet(request, fmt::format("ref-prefix {}\n", prefix));
  }
  append_flush(request);
  return request;
}

LsRefsReader::LsRefsReader(const AdvertisementLimits& limits) : refs_(limits) {}

void LsRefsReader::feed(std::string_view bytes) {
  refs_.received(bytes.size());
  packets_.feed(bytes, [this](Packet kind, std::string_view payload) { take(kind, payload); });
}

Advertisement LsRefsReader::finish() {
  if (!ended_ || !packets_.between_packets()) throw_ended_early();
  return refs_.finish();
}

void LsRefsReader::take(Packet kind, std::string_view payload) {
  if (ended_ || kind == Packet::delimiter || kind == Packet::response_end) throw_unexpected(payload);
  if (kind == Packet::flush) {
    ended_ = true;
    return;
  }
  throw_if_refusal(payload);
  take_ref(text_of(payload), refs_);
}

}  // namespace refsyncd
