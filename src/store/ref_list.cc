#include "store/ref_list.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <span>

namespace refsyncd {
namespace {

// The codes that stand in files: a value's place in these lists. Add at the end only.
constexpr std::array outcome_codes{Outcome::updated, Outcome::unchanged, Outcome::filtered,
                                   Outcome::rejected};
constexpr std::array reason_codes{
    Reason::up_to_date,   Reason::created,        Reason::fast_forward, Reason::forced,
    Reason::pruned,       Reason::excluded,       Reason::tag_exists,   Reason::non_fast_forward,
    Reason::raced,        Reason::remote_refused, Reason::prune_guard,  Reason::directory_file_conflict,
    Reason::not_a_commit, Reason::missing_object};

// The first byte of a result: its outcome's code and which fields follow.
enum : uint8_t {
  outcome_mask = 0x03,
  has_before = 0x04,
  before_is_after = 0x08,
  has_offered = 0x10,
  offered_is_after = 0x20,
  has_detail = 0x40,
  after_absent = 0x80,
};

// A delta is a row of steps through the base; what is left of the base after the last one stays as it is.
enum class Step : uint8_t {
  keep,     ///< count: that many refs as in the base
  remove,   ///< count: that many refs of the base are not in the list
  create,   ///< count: that many refs were created at the base's value
  replace,  ///< result: the ref has this instead
  insert,   ///< name, result: a ref that the base does not have
};

template <class Values, class Value>
uint8_t code_of(const Values& values, Value value) {
  return static_cast<uint8_t>(std::find(values.begin(), values.end(), value) - values.begin());
}

class Writer {
 public:
  void byte(uint8_t value) { bytes_ += static_cast<char>(value); }
  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<uint8_t>(value | 0x80));
    byte(static_cast<uint8_t>(value));
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  void id(const ObjectId& value) { bytes_.append(value.bytes.begin(), value.bytes.end()); }
  void result(const RefResult& ref);

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

void Writer::result(const RefResult& ref) {
  const bool same_before = ref.before == ref.after;
  const bool same_offered = ref.offered == ref.after;
  uint8_t flags = code_of(outcome_codes, ref.outcome);
  if (ref.before) flags |= same_before ? has_before | before_is_after : has_before;
  if (ref.offered) flags |= same_offered ? has_offered | offered_is_after : has_offered;
  if (!ref.detail.empty()) flags |= has_detail;
  if (ref.after.absent()) flags |= after_absent;
  byte(flags);
  byte(code_of(reason_codes, ref.reason));
  if (!ref.after.absent()) id(ref.after);
  if (ref.before && !same_before) id(*ref.before);
  if (ref.offered && !same_offered) id(*ref.offered);
  if (!ref.detail.empty()) text(ref.detail);
}

/// Reads what a Writer wrote; every read checks that the bytes are there.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }
  uint8_t byte() { return static_cast<uint8_t>(take(1)[0]); }
  uint64_t number();
  std::string_view text() { return take(number()); }
  std::string_view take(uint64_t count);
  ObjectId id();
  RefResult result(std::string name);

  [[noreturn]] static void damaged() { throw Error(ErrorKind::internal, "a stored ref list is damaged"); }

 private:
  std::string_view rest_;
};

uint64_t Reader::number() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    const uint8_t part = byte();
    value |= uint64_t{part & 0x7Fu} << shift;
    if (part < 0x80) return value;
  }
  damaged();
}

std::string_view Reader::take(uint64_t count) {
  if (count > rest_.size()) damaged();
  const auto taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

ObjectId Reader::id() {
  ObjectId value;
  std::ranges::copy(take(value.bytes.size()), value.bytes.begin());
  return value;
}

RefResult Reader::result(std::string name) {
  const uint8_t flags = byte();
  const uint8_t reason = byte();
  if (reason >= reason_codes.size()) damaged();
  RefResult ref;
  ref.name = std::move(name);
  ref.outcome = outcome_codes[flags & outcome_mask];
  ref.reason = reason_codes[reason];
  if ((flags & after_absent) == 0) ref.after = id();
  if (flags & has_before) ref.before = flags & before_is_after ? ref.after : id();
  if (flags & has_offered) ref.offered = flags & offered_is_after ? ref.after : id();
  if (flags & has_detail) ref.detail = text();
  return ref;
}

size_t shared_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

bool strictly_sorted(const RefResults& refs) {
  return std::ranges::adjacent_find(refs, [](const auto& a, const auto& b) { return a.name >= b.name; }) ==
         refs.end();
}

RefResult created_at_value_of(const RefResult& base) {
  return {.name = base.name,
          .before = std::nullopt,
          .after = base.after,
          .outcome = Outcome::updated,
          .reason = Reason::created,
          .offered = base.offered};
}

/// Collects steps; equal ones in a row that have only a count become one.
class DeltaWriter {
 public:
  void run(Step step) {
    if (count_ > 0 && step != step_) flush();
    step_ = step;
    ++count_;
  }
  void replace(const RefResult& ref) {
    single(Step::replace);
    out_.result(ref);
  }
  void insert(const RefResult& ref) {
    single(Step::insert);
    out_.text(ref.name);
    out_.result(ref);
  }
  RefDelta finish() {
    if (step_ != Step::keep) flush();  // the rest of the base is kept anyway
    return {out_.take(), entries_};
  }

 private:
  void single(Step step) {
    flush();
    out_.byte(static_cast<uint8_t>(step));
    ++entries_;
  }
  void flush() {
    if (count_ == 0) return;
    out_.byte(static_cast<uint8_t>(step_));
    out_.number(count_);
    if (step_ != Step::keep) ++entries_;
    count_ = 0;
  }

  Writer out_;
  Step step_ = Step::keep;
  uint64_t count_ = 0;
  size_t entries_ = 0;
};

}  // namespace

std::string encode_refs(const RefResults& refs) {
  Writer out;
  out.number(refs.size());
  std::string_view previous;
  for (const auto& ref : refs) {
    const auto shared = shared_prefix(previous, ref.name);
    out.number(shared);
    out.text(std::string_view(ref.name).substr(shared));
    out.result(ref);
    previous = ref.name;
  }
  return out.take();
}

RefResults decode_refs(std::string_view bytes) {
  Reader in(bytes);
  const auto count = in.number();
  if (count > in.left()) Reader::damaged();  // before it is believed and memory reserved
  RefResults refs;
  refs.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto shared = in.number();
    const std::string_view previous = refs.empty() ? std::string_view{} : refs.back().name;
    if (shared > previous.size()) Reader::damaged();
    std::string name(previous.substr(0, shared));
    name += in.text();
    refs.push_back(in.result(std::move(name)));
  }
  if (!in.done()) Reader::damaged();
  return refs;
}

RefResults expected_next(const RefResults& refs) {
  RefResults next;
  next.reserve(refs.size());
  for (const auto& ref : refs) {
    if (ref.outcome != Outcome::updated) {
      next.push_back(ref);
    } else if (!ref.after.absent()) {
      next.push_back({.name = ref.name,
                      .before = ref.after,
                      .after = ref.after,
                      .outcome = Outcome::unchanged,
                      .reason = Reason::up_to_date,
                      .offered = ref.offered ? std::optional(ref.after) : std::nullopt});
    }
  }
  return next;
}

std::optional<RefDelta> diff_refs(const RefResults& base, const RefResults& refs) {
  if (!strictly_sorted(base) || !strictly_sorted(refs)) return std::nullopt;
  DeltaWriter delta;
  auto old = base.begin();
  for (const auto& ref : refs) {
    for (; old != base.end() && old->name < ref.name; ++old) delta.run(Step::remove);
    if (old == base.end() || old->name != ref.name) {
      delta.insert(ref);
      continue;
    }
    if (ref == *old) {
      delta.run(Step::keep);
    } else if (ref == created_at_value_of(*old)) {
      delta.run(Step::create);
    } else {
      delta.replace(ref);
    }
    ++old;
  }
  for (; old != base.end(); ++old) delta.run(Step::remove);
  return delta.finish();
}

RefResults apply_delta(const RefResults& base, std::string_view delta) {
  Reader in(delta);
  RefResults refs;
  refs.reserve(base.size());
  size_t at = 0;
  const auto advance = [&](uint64_t count) {
    if (count > base.size() - at) Reader::damaged();
    at += count;
    return std::span(base).subspan(at - count, count);
  };
  while (!in.done()) {
    switch (static_cast<Step>(in.byte())) {
      case Step::keep: std::ranges::copy(advance(in.number()), std::back_inserter(refs)); break;
      case Step::remove: advance(in.number()); break;
      case Step::create:
        std::ranges::transform(advance(in.number()), std::back_inserter(refs), created_at_value_of);
        break;
      case Step::replace: refs.push_back(in.result(advance(1)[0].name)); break;
      case Step::insert: {
        std::string name(in.text());
        refs.push_back(in.result(std::move(name)));
        break;
      }
      default: Reader::damaged();
    }
  }
  std::ranges::copy(advance(base.size() - at), std::back_inserter(refs));
  return refs;
}

}  // namespace refsyncd
