#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/policy_state.h"
#include "model/sync.h"
#include "store/soci.h"

/// How the model's types stand in SQL columns: times and durations as integer milliseconds, enumerations by
/// their names, an absent optional as NULL.
namespace refsyncd::columns {

template <class Enum, auto FromName>
struct Named {
  using base_type = std::string;
  static void from_base(const std::string& name, soci::indicator, Enum& value) {
    const auto found = FromName(name);
    if (!found) throw Error(ErrorKind::internal, "the state file holds an unknown word: '" + name + "'");
    value = *found;
  }
  static void to_base(const Enum& value, std::string& name, soci::indicator& indicator) {
    name = to_string(value);
    indicator = soci::i_ok;
  }
};

template <class Number, class Column>
struct Cast {
  using base_type = Column;
  static void from_base(const Column& column, soci::indicator, Number& value) { value = Number(column); }
  static void to_base(const Number& value, Column& column, soci::indicator& indicator) {
    column = static_cast<Column>(value);
    indicator = soci::i_ok;
  }
};

/// soci::use() and soci::into() as values, for binding one list of columns in either direction.
inline constexpr auto use = [](auto& value, auto&... indicator) {
  // SOCI keeps a reference to the name until the statement is made; its default argument would be gone by
  // then.
  static const std::string unnamed;
  return soci::use(value, indicator..., unnamed);
};
inline constexpr auto into = [](auto& value, auto&... indicator) { return soci::into(value, indicator...); };

}  // namespace refsyncd::columns

namespace soci {

template <>
struct type_conversion<refsyncd::Direction>
    : refsyncd::columns::Named<refsyncd::Direction, refsyncd::direction_from> {};
template <>
struct type_conversion<refsyncd::SyncStatus>
    : refsyncd::columns::Named<refsyncd::SyncStatus, refsyncd::sync_status_from> {};
template <>
struct type_conversion<refsyncd::Priority>
    : refsyncd::columns::Named<refsyncd::Priority, refsyncd::priority_from> {};
template <>
struct type_conversion<refsyncd::RunPhase>
    : refsyncd::columns::Named<refsyncd::RunPhase, refsyncd::run_phase_from> {};
template <>
struct type_conversion<refsyncd::ErrorKind>
    : refsyncd::columns::Named<refsyncd::ErrorKind, refsyncd::error_kind_from> {};
template <>
struct type_conversion<refsyncd::AuthKind>
    : refsyncd::columns::Named<refsyncd::AuthKind, refsyncd::auth_kind_from> {};
template <>
struct type_conversion<bool> : refsyncd::columns::Cast<bool, int> {};

template <>
struct type_conversion<refsyncd::milliseconds> {
  using base_type = long long;
  static void from_base(long long column, indicator, refsyncd::milliseconds& value) {
    value = refsyncd::milliseconds(column);
  }
  static void to_base(const refsyncd::milliseconds& value, long long& column, indicator& state) {
    column = value.count();
    state = i_ok;
  }
};

template <>
struct type_conversion<refsyncd::WallTime> {
  using base_type = long long;
  static void from_base(long long column, indicator, refsyncd::WallTime& value) {
    value = refsyncd::WallTime(refsyncd::milliseconds(column));
  }
  static void to_base(const refsyncd::WallTime& value, long long& column, indicator& state) {
    column = value.time_since_epoch().count();
    state = i_ok;
  }
};

template <class T>
struct type_conversion<std::optional<T>> {
  using base_type = typename type_conversion<T>::base_type;
  static void from_base(const base_type& column, indicator state, std::optional<T>& value) {
    value.reset();
    if (state != i_null) type_conversion<T>::from_base(column, state, value.emplace());
  }
  static void to_base(const std::optional<T>& value, base_type& column, indicator& state) {
    if (value) {
      type_conversion<T>::to_base(*value, column, state);
    } else {
      state = i_null;
    }
  }
};

}  // namespace soci
