#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace refsyncd {

/// SHA-256 (FIPS 180-4) of what comes in pieces.
class Sha256 {
 public:
  /// Throws Error(internal) when OpenSSL cannot, as update() and hex() do.
  Sha256();
  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits. Call once, at the end.
  std::string hex();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace refsyncd
