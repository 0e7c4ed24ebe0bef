#pragma once
#include <string>
#include <vector>

#include "git/made_pack.h"

namespace refsyncd {

/// An object, and whether it is sound beyond doubt.
struct ExampleObject {
  std::string what;
  MadeObject object;
  bool plain = false;
};

/// What examples name.
struct ExampleParts {
  MadeObject file{GIT_OBJECT_BLOB, "x\n"};
  /// Git refuses it as .gitmodules, and as .gitattributes too.
  MadeObject hostile_file{GIT_OBJECT_BLOB,
                          "[submodule \"a\"]\n\turl = -u./payload\n#" + std::string(3000, 'x') + "\n"};
  MadeObject tree{GIT_OBJECT_TREE, tree_entry("100644", "file", id_of(file))};
  MadeObject commit{GIT_OBJECT_COMMIT, "tree " + id_of(tree).hex() +
                                           "\nauthor A <a@example.com> 1 +0000\n"
                                           "committer A <a@example.com> 1 +0000\n\nfirst\n"};
  std::vector<MadeObject> all() const { return {file, hostile_file, tree, commit}; }
};

/// The text with the first `from` in it replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

inline std::vector<ExampleObject> example_commits(const ExampleParts& parts) {
  const std::string author = "Ada Lovelace <ada@example.com> 1767600000 +0100";
  const std::string headers = "tree " + id_of(parts.tree).hex() + "\nparent " + id_of(parts.commit).hex() +
                              "\nauthor " + author + "\ncommitter " + author + "\n";
  const std::string commit = headers + "\nWords\n";
  const std::string parent = "parent " + id_of(parts.commit).hex() + "\n";
  const auto by = [&](const std::string& who) { return with(commit, author, who); };
  const auto also = [&](const std::string& header) { return headers + header + "\nWords\n"; };
  const auto nul = std::string(1, '\0');
  std::vector<ExampleObject> rows;
  const auto plain = [&](const std::string& what, const std::string& text) {
    rows.push_back({what, {GIT_OBJECT_COMMIT, text}, true});
  };
  const auto not_plain = [&](const std::string& what, const std::string& text) {
    rows.push_back({what, {GIT_OBJECT_COMMIT, text}, false});
  };
  plain("an ordinary commit", commit);
  plain("a first commit", with(commit, parent, ""));
  plain("a merge", with(commit, parent, parent + parent));
  plain("no words", headers + "\n");
  plain("words without a line break", headers + "\nWords");
  plain("a mail that is empty", by("Ada <> 1 +0000"));
  plain("a name in UTF-8", by("Ad\xC3\xA4 <a@example.com> 1 -0930"));
  plain("the first second", by("Ada <a@example.com> 0 +0000"));
  plain("an encoding", also("encoding ISO-8859-1\n"));
  plain("a signature", also("gpgsig -----BEGIN\n \n abc\n -----END\n"));
  plain("a change id", also("change-id klmnopqrstuvwxyzklmnopqrstuvwxyz\n"));
  plain("two further headers", also("encoding x\nHG-extra y\n"));
  not_plain("nothing", "");
  not_plain("no tree", with(commit, "tree " + id_of(parts.tree).hex() + "\n", ""));
  not_plain("a tree after the parent", parent + with(commit, parent, ""));
  not_plain("a tree's id in capitals", with(commit, id_of(parts.tree).hex(), std::string(40, 'A')));
  not_plain("a tree's id that is short", with(commit, id_of(parts.tree).hex(), std::string(39, 'a')));
  not_plain("a tree's id that is long", with(commit, id_of(parts.tree).hex(), std::string(41, 'a')));
  not_plain("a null tree", with(commit, id_of(parts.tree).hex(), std::string(40, '0')));
  not_plain("a null parent", with(commit, id_of(parts.commit).hex(), std::string(40, '0')));
  not_plain("a parent that is no id", with(commit, id_of(parts.commit).hex(), "main"));
  not_plain("no author", with(commit, "author " + author + "\n", ""));
  not_plain("two authors", with(commit, "author", "author " + author + "\nauthor"));
  not_plain("no committer", with(commit, "committer " + author + "\n", ""));
  not_plain("a late author", also("author " + author + "\n"));
  not_plain("a late committer", also("committer " + author + "\n"));
  not_plain("a late parent", also(parent));
  not_plain("a late tree", also("tree " + id_of(parts.tree).hex() + "\n"));
  not_plain("no name", by("<a@example.com> 1 +0000"));
  not_plain("an empty name", by(" <a@example.com> 1 +0000"));
  not_plain("no mail", by("Ada 1 +0000"));
  not_plain("a mail without its end", by("Ada <a@example.com 1 +0000"));
  not_plain("a mail that ends first", by("Ada >a@example.com< 1 +0000"));
  not_plain("no space before the mail", by("Ada<a@example.com> 1 +0000"));
  not_plain("a bracket in the name", by("A>da <a@example.com> 1 +0000"));
  not_plain("a bracket in the mail", by("Ada <a<@example.com> 1 +0000"));
  not_plain("a bracket after the mail", by("Ada <a@example.com>> 1 +0000"));
  not_plain("no space before the date", by("Ada <a@example.com>1 +0000"));
  not_plain("two spaces before the date", by("Ada <a@example.com>  1 +0000"));
  not_plain("no date", by("Ada <a@example.com>"));
  not_plain("a date in words", by("Ada <a@example.com> today +0000"));
  not_plain("a date before 1970", by("Ada <a@example.com> -1 +0000"));
  not_plain("a date that begins with a zero", by("Ada <a@example.com> 01 +0000"));
  not_plain("a date that overflows", by("Ada <a@example.com> 18446744073709551615 +0000"));
  not_plain("no zone", by("Ada <a@example.com> 1"));
  not_plain("a zone without a sign", by("Ada <a@example.com> 1 0000"));
  not_plain("a zone of five digits", by("Ada <a@example.com> 1 +00000"));
  not_plain("a zone of letters", by("Ada <a@example.com> 1 +0a00"));
  not_plain("words after the zone", by("Ada <a@example.com> 1 +0000 "));
  not_plain("a NUL in the headers", also("encoding a" + nul + "\n"));
  not_plain("a NUL in the words", commit + nul);
  not_plain("no empty line", headers);
  not_plain("headers that are cut off", headers + "encoding x");
  not_plain("a header without a value", also("encoding\n"));
  not_plain("a header without a name", also(": x\n"));
  not_plain("a line that goes on from nothing", also(" x\n"));
  return rows;
}

inline std::vector<ExampleObject> example_tags(const ExampleParts& parts) {
  const std::string tagger = "Ada <ada@example.com> 1767600000 +0100";
  const std::string object = "object " + id_of(parts.commit).hex() + "\n";
  const std::string tag = object + "type commit\ntag v1.0\ntagger " + tagger + "\n\nWords\n";
  const auto called = [&](const std::string& name) { return with(tag, "v1.0", name); };
  std::vector<ExampleObject> rows;
  const auto plain = [&](const std::string& what, const std::string& text) {
    rows.push_back({what, {GIT_OBJECT_TAG, text}, true});
  };
  const auto not_plain = [&](const std::string& what, const std::string& text) {
    rows.push_back({what, {GIT_OBJECT_TAG, text}, false});
  };
  plain("an ordinary tag", tag);
  plain("a tag with a folder", called("release/1.0"));
  plain("a tag of a tree",
        with(with(tag, "type commit", "type tree"), id_of(parts.commit).hex(), id_of(parts.tree).hex()));
  plain("a tag of a file",
        with(with(tag, "type commit", "type blob"), id_of(parts.commit).hex(), id_of(parts.file).hex()));
  plain("a tag with a signature", tag + "-----BEGIN PGP SIGNATURE-----\n");
  plain("a tag without words", with(tag, "\n\nWords\n", "\n\n"));
  not_plain("nothing", "");
  not_plain("no object", with(tag, object, ""));
  not_plain("a null object", with(tag, id_of(parts.commit).hex(), std::string(40, '0')));
  not_plain("an object's id in capitals", with(tag, id_of(parts.commit).hex(), std::string(40, 'A')));
  not_plain("no type", with(tag, "type commit\n", ""));
  not_plain("a type that is none", with(tag, "type commit", "type thing"));
  not_plain("a type that is longer", with(tag, "type commit", "type commits"));
  not_plain("no name", with(tag, "tag v1.0\n", ""));
  not_plain("an empty name", called(""));
  not_plain("a name with two dots", called("a..b"));
  not_plain("a name with a space", called("a b"));
  not_plain("a name that ends as a lock", called("a.lock"));
  not_plain("no tagger", with(tag, "tagger " + tagger + "\n", ""));
  not_plain("two taggers", with(tag, "tagger", "tagger " + tagger + "\ntagger"));
  not_plain("a tagger without a date", with(tag, " 1767600000 +0100", ""));
  not_plain("another order", with(with(tag, object, ""), "tag v1.0", object + "tag v1.0"));
  not_plain("a further header", with(tag, "\n\n", "\ngpgsig x\n\n"));
  not_plain("no empty line", with(tag, "\n\nWords\n", "\n"));
  not_plain("a NUL in the words", tag + std::string(1, '\0'));
  return rows;
}

inline std::vector<ExampleObject> example_trees(const ExampleParts& parts) {
  const auto file = id_of(parts.file);
  const auto folder = id_of(parts.tree);
  const auto entry = [&](const std::string& mode, const std::string& name) {
    return tree_entry(mode, name, mode == "40000" ? folder : file);
  };
  std::vector<ExampleObject> rows;
  const auto plain = [&](const std::string& what, const std::string& text) {
    rows.push_back({what, {GIT_OBJECT_TREE, text}, true});
  };
  const auto not_plain = [&](const std::string& what, const std::string& text) {
    rows.push_back({what, {GIT_OBJECT_TREE, text}, false});
  };
  plain("an empty tree", "");
  plain("every mode", entry("100644", "a") + entry("100755", "b") + entry("120000", "c") +
                          entry("40000", "d") + entry("160000", "e"));
  plain("a file before a tree that continues its name", entry("100644", "a") + entry("40000", "a-b"));
  plain("a tree is sorted as if it ended with a slash",
        entry("100644", "a.c") + entry("40000", "a") + entry("100644", "a0"));
  plain("bytes above ASCII come last", entry("100644", "z") + entry("100644", "\xC3\xA4"));
  plain("names within names", entry("100644", "a") + entry("100644", "a-") + entry("100644", "a-b") +
                                  entry("40000", "a-b-") + entry("100644", "a.") + entry("40000", "ab"));
  not_plain("a cut off entry", entry("100644", "a").substr(0, 20));
  not_plain("an entry without an end", "100644 a");
  not_plain("a mode alone", "100644");
  for (const std::string mode : {"0100644", "100664", "100640", "040000", "40755", "000000", "", "10064", "x",
                                 "120777", "160001", "1006440"}) {
    not_plain("mode '" + mode + "'", entry(mode, "a"));
  }
  not_plain("a null id", tree_entry("100644", "a", {}));
  not_plain("another order", entry("100644", "b") + entry("100644", "a"));
  not_plain("a tree sorted as a file", entry("40000", "a") + entry("100644", "a.c"));
  not_plain("bytes above ASCII first", entry("100644", "\xC3\xA4") + entry("100644", "z"));
  not_plain("a name twice", entry("100644", "a") + entry("100644", "a"));
  not_plain("a tree twice", entry("40000", "a") + entry("40000", "a"));
  not_plain("a file and a tree", entry("100644", "a") + entry("40000", "a"));
  not_plain("a submodule and a tree", entry("160000", "a") + entry("40000", "a"));
  not_plain("a file and, later, a tree",
            entry("100644", "a") + entry("100644", "a-b") + entry("100644", "a.c") + entry("40000", "a"));
  not_plain("a file within names and, later, a tree",
            entry("100644", "a") + entry("100644", "a-") + entry("100644", "a-b") + entry("40000", "a-"));
  for (const std::string mode : {"120000", "40000", "160000"})
    not_plain(".gitattributes of mode " + mode, entry(mode, ".gitattributes"));
  for (const std::string name : {".gitignore", ".mailmap"}) {
    plain(name + " as a tree", entry("40000", name));
    not_plain(name + " as a link", entry("120000", name));
  }
  return rows;
}

inline std::vector<ExampleObject> example_objects(const ExampleParts& parts) {
  std::vector<ExampleObject> rows = example_commits(parts);
  for (auto* const more : {&example_tags, &example_trees}) {
    for (auto& row : more(parts)) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace refsyncd
