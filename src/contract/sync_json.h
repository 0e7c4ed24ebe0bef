#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "contract/time.h"
#include "model/sync.h"

namespace refsyncd {

/// A sync on the wire, in the contract's shape. Ours on top: `repo` and `policy` (names; policy only when one
/// asked), `error_kind`, and in each ref `reason`, `offered` and `detail` (when there is one). A name or text
/// that is not valid UTF-8 stands with \xNN for each byte that is not, and such a ref's exact name as
/// `name_base64` beside it.
nlohmann::json to_json_value(const Sync& sync);

/// The text of to_json_value(sync) with the members of `more` beside its own; bytes of these that are not
/// UTF-8 become U+FFFD. Written ref by ref: a JSON value of many refs takes many times the memory of its
/// text.
std::string sync_text(Sync sync, const nlohmann::json& more = nlohmann::json::object());

/// What the wire calls `stats`: {"refs": [...]}.
nlohmann::json stats_json(const RefResults& results);

/// The inverse, for what a service answered: every field is checked, unknown ones are ignored and those that
/// only we write may be absent. What the wire does not carry (exclude, force, prune, timeout, priority) stays
/// at its default. Throws Error(internal) "unexpected answer: ..." that names the field.
Sync sync_from_json(const nlohmann::json& value);

}  // namespace refsyncd
