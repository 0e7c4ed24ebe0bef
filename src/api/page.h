#pragma once
#include <string>
#include <string_view>

#include "api/json_list.h"
#include "contract/json_fields.h"
#include "http/server.h"

namespace refsyncd {

/// The part of a list that a caller asks for with ?cursor&limit.
struct PageRequest {
  std::string after;  ///< what the last page ended with, as answer_page() was told; "" = from the beginning
  size_t limit = 50;  ///< 1 to 100
};

/// Throws ApiError(400) for a limit out of range and a cursor that is none of ours.
PageRequest page_request(const HttpRequest::Fields& query);

/// The beginning of a page's text, up to its items.
std::string page_head(bool has_more, std::string_view last);

/// {"next_cursor","has_more", <name>: items}. `last` identifies the last of the items; it is not shown but
/// comes back as PageRequest::after. Cursors name a place and not a number, so what is added or removed
/// meanwhile makes no item appear twice or be left out.
template <class Items>
HttpResponse answer_page(std::string_view name, const Items& items, bool has_more, std::string_view last) {
  auto body = page_head(has_more, last);
  append_list(body, name, items, [](const auto& item) { return json_text(to_json_value(item)); });
  return {.body = body + "}\n"};
}

}  // namespace refsyncd
