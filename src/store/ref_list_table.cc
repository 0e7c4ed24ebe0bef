#include "store/ref_list_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/sha256.h"
#include "base/text.h"
#include "store/ref_list.h"

namespace refsyncd {
namespace {

/// How many of a repository's newest syncs are looked through for one that asked for the same refs.
constexpr int syncs_looked_through = 64;

std::string key_of(const SyncRequest& request) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.repo, to_string(request.direction),
                     join_globs(request.globs.branches), join_globs(request.globs.tags),
                     join_globs(request.exclude.branches), join_globs(request.exclude.tags));
}

}  // namespace

std::string bytes_of(soci::blob& blob) {
  std::string bytes(blob.get_len(), '\0');
  if (!bytes.empty()) blob.read(0, bytes.data(), bytes.size());
  return bytes;
}

RecentRefs::Entry* RecentRefs::find(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return &found->second->second;
}

void RecentRefs::put(const std::string& key, Entry entry) {
  if (auto* known = find(key)) {
    *known = std::move(entry);
    return;
  }
  order_.emplace_front(key, std::move(entry));
  by_key_[key] = order_.begin();
  if (order_.size() <= capacity) return;
  by_key_.erase(order_.back().first);
  order_.pop_back();
}

void RecentRefs::forget_list(long long list) {
  for (auto i = order_.begin(); i != order_.end();) {
    const auto here = i++;
    if (here->second.stored.list != list) continue;
    by_key_.erase(here->first);
    order_.erase(here);
  }
}

void RecentRefs::clear() {
  by_key_.clear();
  order_.clear();
}

RefListTable::RefListTable(soci::session& session, RecentRefs& recent) : session_(session), recent_(recent) {}

StoredRefs RefListTable::put(const SyncRequest& request, const std::shared_ptr<const RefResults>& refs) {
  const auto key = key_of(request);
  auto* known = recent_.find(key);
  const auto again = [&] {
    known->written += known->stored.delta.size();
    known->whole = refs;
    return known->stored;
  };
  const bool worth_repeating = known != nullptr && known->written <= known->list_size;
  if (worth_repeating && known->whole.lock() == refs) return again();
  const auto encoded = encode_refs(*refs);
  auto digest = sha256_hex(encoded);
  if (worth_repeating && known->digest == digest) return again();
  const auto last = known != nullptr ? std::optional(*known) : last_stored(request);
  auto entry = last ? differing_from(*last, *refs) : std::nullopt;
  if (!entry) entry = as_new_list(*refs, encoded);
  entry->digest = std::move(digest);
  entry->whole = refs;
  recent_.put(key, *entry);
  return entry->stored;
}

std::optional<RecentRefs::Entry> RefListTable::differing_from(const RecentRefs::Entry& last,
                                                              const RefResults& refs) {
  const auto bytes = content(last.stored.list);
  const auto base = readable(last.stored.list, bytes);
  if (!base) return std::nullopt;
  auto delta = diff_refs(*base, refs);
  if (!delta || delta->entries > std::max<size_t>(16, base->size() / 8)) return std::nullopt;
  const auto written = last.written + delta->bytes.size();
  if (written > bytes.size()) return std::nullopt;
  return RecentRefs::Entry{
      .stored = {last.stored.list, std::move(delta->bytes)}, .written = written, .list_size = bytes.size()};
}

/// A damaged list must not keep new syncs from being recorded: it loses its digest, so that it is written
/// again.
std::optional<RefResults> RefListTable::readable(long long list, const std::string& bytes) try {
  return decode_refs(bytes);
} catch (const Error&) {
  session_ << "UPDATE ref_lists SET digest = 'damaged ' || id WHERE id = :id", soci::use(list);
  return std::nullopt;
}

RecentRefs::Entry RefListTable::as_new_list(const RefResults& refs, const std::string& encoded) {
  const auto base = expected_next(refs);
  if (auto delta = diff_refs(base, refs)) {
    const auto bytes = encode_refs(base);
    return {.stored = {insert_list(bytes), std::move(delta->bytes)}, .list_size = bytes.size()};
  }
  return {.stored = {insert_list(encoded), ""}, .list_size = encoded.size()};
}

std::optional<RecentRefs::Entry> RefListTable::last_stored(const SyncRequest& request) {
  auto direction = std::string(to_string(request.direction));
  auto branches = join_globs(request.globs.branches);
  auto tags = join_globs(request.globs.tags);
  auto exclude_branches = join_globs(request.exclude.branches);
  auto exclude_tags = join_globs(request.exclude.tags);
  long long list = 0;
  session_
      << "SELECT ref_list FROM (SELECT * FROM syncs WHERE repo = :repo ORDER BY created_at DESC, seq DESC "
         "LIMIT "
      << syncs_looked_through
      << ") WHERE direction = :direction AND branches = :branches AND tags = :tags AND exclude_branches = "
         ":exclude_branches AND exclude_tags = :exclude_tags AND ref_list IS NOT NULL LIMIT 1",
      soci::use(request.repo), soci::use(direction), soci::use(branches), soci::use(tags),
      soci::use(exclude_branches), soci::use(exclude_tags), soci::into(list);
  if (!session_.got_data()) return std::nullopt;
  return RecentRefs::Entry{.stored = {list, ""}};
}

long long RefListTable::insert_list(const std::string& bytes) {
  const auto digest = sha256_hex(bytes);
  soci::blob blob(session_);
  blob.write(0, bytes.data(), bytes.size());
  session_
      << "INSERT INTO ref_lists (digest, content) VALUES (:digest, :content) ON CONFLICT (digest) DO NOTHING",
      soci::use(digest), soci::use(blob);
  long long list = 0;
  session_ << "SELECT id FROM ref_lists WHERE digest = :digest", soci::use(digest), soci::into(list);
  return list;
}

std::string RefListTable::content(long long list) {
  soci::blob blob(session_);
  session_ << "SELECT content FROM ref_lists WHERE id = :id", soci::use(list), soci::into(blob);
  if (!session_.got_data()) throw Error(ErrorKind::internal, fmt::format("ref list {} is missing", list));
  return bytes_of(blob);
}

std::shared_ptr<const RefResults> RefListTable::get(const StoredRefs& stored, Lists& read) {
  auto& base = read[stored.list];
  if (!base) base = std::make_shared<const RefResults>(decode_refs(content(stored.list)));
  if (stored.delta.empty()) return base;
  return std::make_shared<const RefResults>(apply_delta(*base, stored.delta));
}

void RefListTable::delete_unused(const std::vector<long long>& lists) {
  for (const auto list : lists) {
    session_
        << "DELETE FROM ref_lists WHERE id = :id AND NOT EXISTS (SELECT 1 FROM syncs WHERE ref_list = :list)",
        soci::use(list), soci::use(list);
    recent_.forget_list(list);
  }
}

}  // namespace refsyncd
