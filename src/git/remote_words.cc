#include "git/remote_words.h"

#include "base/text.h"

namespace refsyncd {
namespace {

constexpr std::string_view start = "remote:";
constexpr std::string_view counters[] = {
    "Enumerating objects", "Counting objects", "Compressing objects",  "Resolving deltas", "Total ",
    "Finding sources",     "Processed ",       "Checking connectivity"};

bool is_progress(std::string_view words) {
  for (const auto counter : counters) {
    if (words.starts_with(counter)) return true;
  }
  return false;
}

}  // namespace

std::string remote_words(std::string_view error) {
  std::string all;
  for (const auto line : split(error, '\n')) {
    if (!line.starts_with(start)) continue;
    const auto words = trim(line.substr(start.size()));
    if (words.empty() || is_progress(words)) continue;
    if (!all.empty()) all += ' ';
    all += words;
  }
  return printable(all, 300);
}

}  // namespace refsyncd
