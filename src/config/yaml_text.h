#pragma once
#include <cstddef>
#include <streambuf>
#include <string>
#include <string_view>

namespace refsyncd {

/// Throws SyntaxError at the first byte that is not UTF-8 text: a broken sequence, or a control character
/// other than tab and line break. UTF-16 is told by name.
void check_encoding(std::string_view text);

/// What yaml-cpp says about malformed YAML, in our words and with a remedy.
std::string explain_syntax(const std::string& message);

/// Hands the text to the scanner in small portions and stops it when it reads far ahead of what it reports:
/// it keeps every bracket it has not understood yet, and each costs it hundreds of bytes.
class PortionedText : public std::streambuf {
 public:
  explicit PortionedText(std::string_view text) : text_(text) {}
  /// The scanner has reported something: it may read on.
  void progressed() {
    ahead_ = 0;
    separators_ahead_ = 0;
    open_ahead_ = 0;
  }
  /// True once the text was cut short because of that.
  bool too_far_ahead() const { return too_far_ahead_; }
  bool too_deep() const { return too_deep_; }

 protected:
  int_type underflow() override;

 private:
  std::string_view text_;
  size_t ahead_ = 0;
  size_t separators_ahead_ = 0;
  ptrdiff_t open_ahead_ = 0;
  bool too_far_ahead_ = false;
  bool too_deep_ = false;
};

}  // namespace refsyncd
