#include "api/page.h"

#include <fmt/format.h>

#include <charconv>

#include "api/api_route.h"

namespace refsyncd {
namespace {

constexpr size_t largest_page = 100;
constexpr size_t longest_cursor = 1000;
/// Says that it is ours, and lets a later version write others.
constexpr std::string_view mark = "c1";

/// Hexadecimal: fit for a query without encoding, and its order tells nothing.
std::string cursor_for(std::string_view last) {
  std::string cursor(mark);
  for (const unsigned char c : last) cursor += fmt::format("{:02x}", c);
  return cursor;
}

std::string place_of(std::string_view cursor) {
  const auto unusable = [] {
    return bad_request("cursor", "must be the next_cursor of a page, as it was given");
  };
  if (!cursor.starts_with(mark) || cursor.size() % 2 != 0 || cursor.size() > longest_cursor) throw unusable();
  std::string place;
  for (size_t at = mark.size(); at < cursor.size(); at += 2) {
    unsigned byte = 0;
    const auto* first = cursor.data() + at;
    if (std::from_chars(first, first + 2, byte, 16).ptr != first + 2) throw unusable();
    place += static_cast<char>(byte);
  }
  return place;
}

}  // namespace

PageRequest page_request(const HttpRequest::Fields& query) {
  PageRequest page;
  if (const auto cursor = query.find("cursor"); cursor != query.end()) page.after = place_of(cursor->second);
  const auto limit = query.find("limit");
  if (limit == query.end()) return page;
  const auto& text = limit->second;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), page.limit);
  if (problem != std::errc{} || end != text.data() + text.size() || page.limit < 1 ||
      page.limit > largest_page) {
    throw bad_request("limit", fmt::format("must be a number from 1 to {}", largest_page));
  }
  return page;
}

std::string page_head(bool has_more, std::string_view last) {
  const auto cursor = has_more ? fmt::format("\"{}\"", cursor_for(last)) : "null";
  return fmt::format(R"({{"has_more":{},"next_cursor":{},)", has_more, cursor);
}

}  // namespace refsyncd
