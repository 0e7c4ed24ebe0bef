#pragma once
#include <fmt/format.h>

#include <string>
#include <utility>

namespace refsyncd {

/// A value that must not be shown. Whatever prints it prints "[secret]"; only reveal() gives the value, and
/// each call of reveal() is a place to review.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace refsyncd

template <>
struct fmt::formatter<refsyncd::Secret> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const refsyncd::Secret&, Context& context) const {
    return fmt::formatter<std::string_view>::format("[secret]", context);
  }
};
