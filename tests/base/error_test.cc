#include "base/error.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/handle.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

Failure failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (...) {
    return current_failure();
  }
  return {};
}

TEST(ErrorKinds, have_names_that_lead_back_to_them) {
  std::set<std::string_view> names;
  for (const auto kind : all_error_kinds) {
    EXPECT_EQ(error_kind_from(to_string(kind)), kind);
    names.insert(to_string(kind));
  }
  EXPECT_EQ(names.size(), std::size(all_error_kinds));
  EXPECT_EQ(error_kind_from("Transient"), std::nullopt);
  EXPECT_EQ(error_kind_from(""), std::nullopt);
}

TEST(ErrorKinds, are_worth_a_retry_when_time_may_mend_them) {
  for (const auto kind : {ErrorKind::transient, ErrorKind::throttled, ErrorKind::internal}) {
    EXPECT_TRUE(worth_retrying_soon(kind)) << to_string(kind);
  }
  for (const auto kind :
       {ErrorKind::auth, ErrorKind::not_found, ErrorKind::untrusted, ErrorKind::bad_config}) {
    EXPECT_FALSE(worth_retrying_soon(kind)) << to_string(kind);
  }
}

TEST(AnError, gains_context_and_keeps_the_rest) {
  const auto error = Error(ErrorKind::throttled, "slow down", 30s).with_context("policy 'app-pull'");
  EXPECT_STREQ(error.what(), "policy 'app-pull': slow down");
  EXPECT_EQ(error.failure(), (Failure{ErrorKind::throttled, "policy 'app-pull': slow down", 30s}));
}

TEST(CurrentFailure, is_the_error_thrown) {
  EXPECT_EQ(failure_of([] { throw Error(ErrorKind::auth, "refused"); }),
            (Failure{ErrorKind::auth, "refused", {}}));
}

TEST(CurrentFailure, of_another_exception_is_internal_and_one_printable_line) {
  EXPECT_EQ(failure_of([] { throw std::runtime_error("first\nsecond\x1b[31m"); }),
            (Failure{ErrorKind::internal, "first second\\x1b[31m", {}}));
  EXPECT_EQ(failure_of([] { throw 42; }), (Failure{ErrorKind::internal, "unknown exception", {}}));
}

TEST(FileDescriptors, close_once_and_move) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  FileDescriptor moved(std::move(writing));
  EXPECT_FALSE(writing);  // NOLINT(bugprone-use-after-move): what moving leaves is the promise under test
  EXPECT_EQ(moved.get(), ends[1]);
  char byte = 0;
  moved = FileDescriptor();
  EXPECT_EQ(::read(reading.get(), &byte, 1), 0) << "the writing end is closed";
  const int kept = reading.release();
  EXPECT_FALSE(reading);
  EXPECT_EQ(::close(kept), 0) << "released ones stay open";
}

TEST(AFinally, runs_at_the_end_of_the_scope_also_after_a_throw) {
  int ran = 0;
  failure_of([&] {
    const Finally count([&] { ++ran; });
    EXPECT_EQ(ran, 0);
    throw 1;
  });
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace refsyncd
