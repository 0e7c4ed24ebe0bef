#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace refsyncd {

/// Takes a secret out of texts that others wrote: its raw, URL-encoded and Base64 forms become "[secret]".
class Redactor {
 public:
  /// `username` is what the secret is sent with (HTTP Basic encodes both together).
  Redactor(std::string_view username, const Secret& secret);

  std::string operator()(std::string text) const;

 private:
  std::vector<std::string> forms_;  ///< longest first
};

}  // namespace refsyncd
