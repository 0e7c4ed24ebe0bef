#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "local/service_bench.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// The embedded service with a repository "made" of the API, which has a folder and a credential.
class ADeletion : public testing::Test {
 protected:
  ADeletion() {
    bench.data_dir = folder.path();
    bench.start();
    RepositoryDefinition definition{.upstream_url = "https://example.org/made", .auth = AuthKind::token};
    definition.credential = catalog().credentials().keep(Secret("s3cret"), bench.clock.now());
    const auto made = catalog().create("made", definition);
    path = made.repo.path;
    credential = catalog().credentials().source(definition.credential).name;
    std::filesystem::create_directories(path);
    bench.recorder.settle();
  }

  Catalog& catalog() { return bench.service->catalog(); }
  /// The next process, which has this in its store.
  void restart() {
    bench.recorder.crash();
    bench.background.clear();
    bench.posted.clear();
    bench.observer.events.clear();
    bench.start();
    bench.adopt();
  }
  bool has_files() const { return std::filesystem::exists(path) && std::filesystem::exists(credential); }
  bool has_nothing() const { return !std::filesystem::exists(path) && !std::filesystem::exists(credential); }

  TemporaryDirectory folder;
  Bench bench;
  std::filesystem::path path;
  std::filesystem::path credential;
};

TEST_F(ADeletion, removes_the_files_once_it_is_durable_and_then_forgets_the_repository) {
  bench.service->remove_repository("made");
  EXPECT_THAT(bench.background, IsEmpty()) << "not durable yet";
  bench.recorder.settle();
  EXPECT_TRUE(has_files());
  EXPECT_EQ(bench.recorder.repositories.size(), 1u);
  bench.work();
  EXPECT_TRUE(has_nothing());
  EXPECT_THAT(bench.recorder.repositories, IsEmpty());
}

TEST_F(ADeletion, waits_for_the_sync_that_runs) {
  bench.enqueue(Bench::pull("made"));
  bench.service->remove_repository("made");
  bench.recorder.settle();
  EXPECT_EQ(bench.background.size(), 1u) << "only the sync's work";
  bench.work();
  EXPECT_TRUE(has_files());
  bench.work();
  EXPECT_TRUE(has_nothing());
}

TEST_F(ADeletion, that_was_interrupted_is_finished_by_the_next_process) {
  bench.service->remove_repository("made");
  restart();
  EXPECT_EQ(catalog().find("made"), nullptr);
  EXPECT_TRUE(has_files());
  bench.work();
  EXPECT_TRUE(has_nothing());
  EXPECT_THAT(bench.recorder.repositories, IsEmpty());
  EXPECT_THAT(bench.observer.events, IsEmpty());
}

TEST_F(ADeletion, is_remembered_while_the_disk_refuses_it) {
  bench.service->remove_repository("made");
  bench.recorder.settle();
  const auto parent = path.parent_path();
  std::filesystem::rename(parent, folder / "elsewhere");
  std::filesystem::create_symlink(parent, parent);  // nothing below can be reached
  bench.work();
  EXPECT_EQ(bench.recorder.repositories.size(), 1u);
  std::filesystem::remove(parent);
  std::filesystem::rename(folder / "elsewhere", parent);
  restart();
  bench.work();
  EXPECT_TRUE(has_nothing());
}

TEST_F(ADeletion, never_happens_to_what_the_store_does_not_know) {
  bench.recorder.repositories.clear();
  restart();
  bench.work();
  EXPECT_TRUE(has_files());
  EXPECT_THAT(bench.observer.events, Contains("does not know " + path.filename().string()));
  EXPECT_THAT(bench.observer.events, Contains("does not know " + credential.filename().string()));
}

TEST_F(ADeletion, never_happens_because_the_organisation_is_another) {
  for (auto& [name, record] : bench.recorder.repositories) record.org = "other";
  restart();
  bench.work();
  EXPECT_TRUE(std::filesystem::exists(credential));
  EXPECT_THAT(bench.observer.events, Each(Not(StartsWith("does not know upstream-"))));
}

}  // namespace
}  // namespace refsyncd
