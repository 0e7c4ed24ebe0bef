#include "local/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "support/fakes.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class TheCatalog : public testing::Test {
 protected:
  static Repo from_file(const std::string& name) {
    Repo repo{.name = name, .path = "/srv/" + name};
    repo.upstream = Upstream{.url = "https://file.example/" + name, .host = "file.example"};
    return repo;
  }
  static RepositoryDefinition definition(const std::string& url = "https://api.example/x") {
    return {.tags = {{"a", "b"}}, .upstream_url = url};
  }
  std::vector<std::string> names(const std::string& after = "", size_t limit = 100) {
    std::vector<std::string> all;
    for (const auto& entry : catalog.list(after, limit)) all.push_back(entry.repo.name);
    return all;
  }
  template <class Action>
  static Error refused(Action action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorKind::internal, "not refused"};
  }
  /// What the next process has.
  Catalog restarted() {
    Catalog next(recorder, clock, "local", folder.path());
    next.adopt(MemoryStore(recorder).repositories());
    return next;
  }

  TemporaryDirectory folder;
  ManualClock clock;
  MemoryRecorder recorder;
  Catalog catalog{recorder, clock, "local", folder.path()};
};

TEST_F(TheCatalog, gives_the_file_precedence_and_the_name_back) {
  const auto made = catalog.create("app", definition());
  EXPECT_EQ(catalog.find("app")->upstream->url, "https://api.example/x");
  catalog.configure({from_file("app")});
  EXPECT_EQ(catalog.find("app")->upstream->url, "https://file.example/app");
  EXPECT_THAT(names(), ElementsAre("app"));
  EXPECT_TRUE(catalog.entry("app")->from_file);
  catalog.configure({});
  EXPECT_EQ(catalog.find("app")->path, made.repo.path);
  EXPECT_EQ(catalog.id_of("app"), made.record.id);
}

TEST_F(TheCatalog, does_not_change_what_the_file_says) {
  catalog.configure({from_file("app")});
  catalog.create("lib", definition());
  for (const auto& error :
       {refused([&] { catalog.create("app", {}); }), refused([&] { catalog.remove("app"); }),
        refused([&] { catalog.change("app", "b", {}); }),
        refused([&] { catalog.change("lib", "app", {}); })}) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_config);
    EXPECT_THAT(error.what(), HasSubstr("configuration file"));
  }
  EXPECT_THAT(refused([&] { catalog.create("lib", {}); }).what(), HasSubstr("already"));
  EXPECT_EQ(refused([&] { catalog.remove("none"); }).kind(), ErrorKind::not_found);
}

TEST_F(TheCatalog, keeps_the_id_and_the_folder_of_a_repository_that_is_renamed) {
  const auto made = catalog.create("app", definition());
  const auto renamed = catalog.change("app", "lib", definition("https://api.example/y"));
  EXPECT_EQ(renamed.record.id, made.record.id);
  EXPECT_EQ(renamed.repo.path, made.repo.path);
  EXPECT_EQ(catalog.find("app"), nullptr);
  EXPECT_EQ(restarted().find("lib")->upstream->url, "https://api.example/y");
  EXPECT_EQ(restarted().find("app"), nullptr);
}

TEST_F(TheCatalog, gives_a_deleted_name_another_id_and_folder) {
  const auto first = catalog.create("app", definition());
  catalog.remove("app");
  EXPECT_EQ(restarted().find("app"), nullptr);
  const auto second = catalog.create("app", definition());
  EXPECT_NE(second.record.id, first.record.id);
  EXPECT_NE(second.repo.path, first.repo.path);
}

TEST_F(TheCatalog, lists_both_kinds_by_name) {
  catalog.configure({from_file("a"), from_file("c"), from_file("e")});
  for (const auto* name : {"b", "d"}) catalog.create(name, definition());
  EXPECT_THAT(names(), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(names("b", 2), ElementsAre("c", "d"));
  EXPECT_THAT(names("bb", 1), ElementsAre("c"));
  EXPECT_THAT(names("e"), IsEmpty());
}

TEST_F(TheCatalog, remembers_ids_and_definitions_over_a_restart) {
  catalog.configure({from_file("app")});
  const auto of_file = catalog.id_of("app");
  const auto made = catalog.create("lib", definition());
  auto next = restarted();
  next.configure({from_file("app")});
  EXPECT_EQ(next.id_of("app"), of_file);
  EXPECT_EQ(next.entry("lib")->record, made.record);
  EXPECT_EQ(next.entry("lib")->repo, made.repo);
}

TEST_F(TheCatalog, keeps_upstreams_of_the_api_to_public_addresses_unless_allowed) {
  catalog.configure({from_file("app")});
  catalog.create("lib", definition());
  EXPECT_FALSE(catalog.find("app")->upstream->public_only) << "the file may name any";
  EXPECT_TRUE(catalog.find("lib")->upstream->public_only);
  catalog.allow_private(true);
  EXPECT_FALSE(catalog.find("lib")->upstream->public_only);
  catalog.allow_private(false);
  EXPECT_TRUE(catalog.find("lib")->upstream->public_only);
}

TEST_F(TheCatalog, points_authentication_at_the_credentials_file) {
  const auto name = catalog.credentials().keep(Secret("s3cret"), clock.now());
  auto with_token = definition();
  with_token.auth = AuthKind::token;
  with_token.username = "bot";
  with_token.credential = name;
  const auto made = catalog.create("lib", with_token);
  const auto& token = std::get<TokenAuth>(made.repo.upstream->auth);
  EXPECT_EQ(token.username, "bot");
  EXPECT_EQ(read_file(token.token.name), "s3cret");
  const auto mode = std::filesystem::status(token.token.name).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(std::filesystem::status(folder / "credentials").permissions(), std::filesystem::perms::owner_all);
}

class FilesOfTheCatalog : public TheCatalog {
 protected:
  RepositoryDefinition with_credential() {
    auto with_token = definition();
    with_token.auth = AuthKind::token;
    with_token.credential = catalog.credentials().keep(Secret("s3cret"), clock.now());
    return with_token;
  }
  /// A repository with a folder and a credential.
  CatalogEntry made(const std::string& name) {
    auto entry = catalog.create(name, with_credential());
    std::filesystem::create_directories(entry.repo.path);
    return entry;
  }
  std::filesystem::path credential_of(const CatalogEntry& entry) {
    return catalog.credentials().source(entry.record.definition->credential).name;
  }
  std::vector<RepositoryRecord> records() { return MemoryStore(recorder).repositories(); }
};

TEST_F(FilesOfTheCatalog, are_known_while_a_record_names_them_also_of_one_that_is_deleted) {
  made("lib");
  made("app");
  catalog.remove("app");
  EXPECT_THAT(catalog.unknown_files(records()), IsEmpty());
}

TEST_F(FilesOfTheCatalog, are_unknown_to_a_store_without_their_record) {
  const auto lib = made("lib");
  std::ofstream(folder / "credentials" / "webhook-1") << "another's";
  EXPECT_THAT(catalog.unknown_files({}),
              UnorderedElementsAre(std::filesystem::path(lib.repo.path), credential_of(lib)));
}

TEST_F(FilesOfTheCatalog, are_not_those_of_another_organisation) {
  made("lib");
  const Catalog other(recorder, clock, "other", folder.path());
  EXPECT_THAT(other.unknown_files(records()), IsEmpty());
}

TEST_F(FilesOfTheCatalog, go_with_the_deleted_and_leave_the_rest) {
  const auto app = made("app");
  const auto lib = made("lib");
  EXPECT_TRUE(catalog.removal_of(catalog.remove("app").record)());
  EXPECT_FALSE(std::filesystem::exists(app.repo.path));
  EXPECT_FALSE(std::filesystem::exists(credential_of(app)));
  EXPECT_TRUE(std::filesystem::exists(lib.repo.path));
  EXPECT_TRUE(std::filesystem::exists(credential_of(lib)));
  EXPECT_TRUE(catalog.removal_of(app.record)()) << "what is gone already is no obstacle";
}

TEST_F(FilesOfTheCatalog, are_out_of_sight_with_the_deleted) {
  made("app");
  catalog.remove("app");
  EXPECT_EQ(records().size(), 1u);
  EXPECT_EQ(restarted().find("app"), nullptr);
  EXPECT_NE(restarted().id_of("app"), records()[0].id);
}

}  // namespace
}  // namespace refsyncd
