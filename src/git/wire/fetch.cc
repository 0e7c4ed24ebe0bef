#include "git/wire/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace refsyncd {
namespace {

constexpr size_t most_common = 100'000;

/// The first byte of a banded packet: gitprotocol-pack(5), packfile data.
enum Band : char { band_data = 1, band_progress = 2, band_error = 3 };

constexpr std::string_view acknowledgment = "ACK ";

void append_id(std::string& request, std::string_view what, const ObjectId& id) {
  append_packet(request, fmt::format("{} {}\n", what, id.hex()));
}

}  // namespace

std::string fetch_request(const ServerCapabilities& capabilities, const FetchRequest& request) {
  auto text = begin_command(capabilities, "fetch");
  // Not "include-tag": refs are wanted by name, tags too. No "shallow" or "filter": whole histories are kept.
  append_packet(text, "thin-pack\n");
  append_packet(text, "ofs-delta\n");
  if (capabilities.fetch_sideband_all) append_packet(text, "sideband-all\n");
  for (const auto& want : request.wants) append_id(text, "want", want);
  for (const auto& have : request.haves) append_id(text, "have", have);
  if (request.done) append_packet(text, "done\n");
  append_flush(text);
  return text;
}

FetchReader::FetchReader(const ServerCapabilities& capabilities, FetchCallbacks callbacks)
    : callbacks_(std::move(callbacks)), all_banded_(capabilities.fetch_sideband_all) {}

void FetchReader::feed(std::string_view bytes) {
  packets_.feed(bytes, [this](Packet kind, std::string_view payload) { take(kind, payload); });
}

FetchReply FetchReader::finish() {
  if (!ended_ || !packets_.between_packets()) throw_ended_early();
  return std::move(reply_);
}

void FetchReader::take(Packet kind, std::string_view payload) {
  if (ended_) throw_unexpected(payload);
  switch (kind) {
    case Packet::flush: return take_flush();
    case Packet::delimiter: return take_delimiter();
    case Packet::response_end: throw_unexpected("0002");
    case Packet::data: break;
  }
  throw_if_refusal(payload);
  const bool in_pack = section_ == Section::packfile;
  if (all_banded_ || in_pack) return take_banded(payload);
  take_text(text_of(payload));
}

void FetchReader::take_flush() {
  // What ends without a pack is a round of negotiation that has to go on.
  const bool more_to_say = section_ == Section::acknowledgments && !between_sections_ && !reply_.ready;
  if (section_ != Section::packfile && !more_to_say) throw_unexpected("0000");
  ended_ = true;
}

void FetchReader::take_delimiter() {
  if (between_sections_ || section_ == Section::packfile) throw_unexpected("0001");
  between_sections_ = true;
}

void FetchReader::take_banded(std::string_view payload) {
  if (payload.empty()) throw_unexpected(payload);
  const auto words = payload.substr(1);
  switch (payload.front()) {
    case band_data:
      if (section_ != Section::packfile) return take_text(text_of(words));
      if (!words.empty()) callbacks_.on_pack(words);
      return;
    case band_progress:
      if (callbacks_.on_progress && !words.empty()) callbacks_.on_progress(words);
      return;
    case band_error: throw_refusal(words);
    default: throw_unexpected(payload);
  }
}

void FetchReader::take_text(std::string_view text) {
  if (std::exchange(between_sections_, false)) return begin_section(text);
  if (section_ == Section::acknowledgments) return take_acknowledgment(text);
  if (!text.starts_with("shallow ")) throw_unexpected(text);  // "unshallow" answers what we do not ask
  reply_.shallow = true;
}

/// Other sections ("wanted-refs", "packfile-uris") answer what we do not ask.
void FetchReader::begin_section(std::string_view name) {
  constexpr std::pair<std::string_view, Section> names[] = {{"acknowledgments", Section::acknowledgments},
                                                            {"shallow-info", Section::shallow_info},
                                                            {"packfile", Section::packfile}};
  const auto* const found = std::find_if(std::begin(names), std::end(names),
                                         [&](const auto& entry) { return entry.first == name; });
  if (found == std::end(names) || found->second <= section_) throw_unexpected(name);
  section_ = found->second;
}

void FetchReader::take_acknowledgment(std::string_view text) {
  if (text == "NAK") return;
  if (text == "ready") {
    reply_.ready = true;
    return;
  }
  if (!text.starts_with(acknowledgment)) throw_unexpected(text);
  const auto id = ObjectId::from_hex(text.substr(acknowledgment.size()));
  if (!id || reply_.common.size() == most_common) throw_unexpected(text);
  reply_.common.push_back(*id);
}

}  // namespace refsyncd
