"""Random changes of a repository, the same for the same seed."""

import random

from support.git import branch, tag


class RandomHistory:
    """An upstream that lives: commits, merges, rewound and rewritten branches, tags, renames into folders, deletions.
    Never more than a few branches go at once, so that no guard against mass deletion is asked for."""

    def __init__(self, repository, seed):
        self.repository = repository
        self.random = random.Random(seed)
        self._made = 0
        repository.commits(2)
        tip = repository.value(branch("main"))
        repository.set_many({branch(name): tip for name in ("one", "two", "three", "four")})

    def step(self):
        """Some changes; returns their names, for whoever has to understand a failure."""
        chosen = [self.random.choice(_CHANGES) for _ in range(self.random.randint(1, 4))]
        for change in chosen:
            change(self)
        return [change.__name__.strip("_") for change in chosen]

    def _branches(self):
        return sorted(self.repository.refs("refs/heads/"))

    def _any_branch(self):
        return self.random.choice(self._branches())

    def _any_commit(self):
        """A commit some steps back from a branch."""
        back = self.random.randint(0, 3)
        ref = self._any_branch()
        return self.repository.value(f"{ref}~{back}") or self.repository.value(ref)

    def _new_name(self, word):
        self._made += 1
        return f"{word}{self._made}"

    def _files(self):
        name = f"{self.random.choice('abc')}/{self.random.choice('xyz')}"
        return {name: f"{self.random.random()}\n" * self.random.randint(1, 50)}

    def _commit(self):
        self.repository.commit(self._any_branch(), files=self._files())

    def _new_branch(self):
        self.repository.set(branch(self._new_name("topic")), self._any_commit())

    def _merge(self):
        into, other = self._any_branch(), self._any_branch()
        tree = self.repository.value(f"{into}^{{tree}}")
        merged = self.repository.git("commit-tree", tree, "-p", into, "-p", other, data=b"merge\n")
        self.repository.set(into, merged)

    def _rewind(self):
        self.repository.set(self._any_branch(), self._any_commit())

    def _rewrite(self):
        ref = self._any_branch()
        parent = self.repository.value(f"{ref}~1") or self.repository.value(ref)
        self.repository.commit(ref, parent=parent, files=self._files())

    def _unrelated(self):
        self.repository.commit(self._any_branch(), root=True, files=self._files())

    def _tag(self):
        name = self._new_name("v")
        if self.random.random() < 0.5:
            self.repository.set(tag(name), self._any_commit())
        else:
            self.repository.annotated_tag(name, self._any_commit())

    def _move_tag(self):
        tags = sorted(self.repository.refs("refs/tags/"))
        if tags:
            self.repository.set(self.random.choice(tags), self._any_commit())

    def _rename_into_folder(self):
        """a becomes a/b, or a/b becomes a."""
        ref = self.random.choice([r for r in self._branches() if r != branch("main")] or [None])
        if ref is None:
            return
        value = self.repository.value(ref)
        self.repository.delete(ref)
        parts = ref.split("/")
        self.repository.set("/".join(parts[:-1]) if len(parts) > 3 else ref + "/below", value)

    def _delete(self):
        branches = self._branches()
        if len(branches) > 5:
            self.repository.delete(self.random.choice([ref for ref in branches if ref != branch("main")]))

    def _forget(self):
        """What no ref leads to is gone, and the rest is packed."""
        self.repository.git("-c", "gc.pruneExpire=now", "repack", "-a", "-d", "-q")
        self.repository.git("prune", "--expire=now")


_CHANGES = [RandomHistory._commit, RandomHistory._commit, RandomHistory._commit, RandomHistory._new_branch,
            RandomHistory._merge, RandomHistory._rewind, RandomHistory._rewrite, RandomHistory._unrelated,
            RandomHistory._tag, RandomHistory._tag, RandomHistory._move_tag, RandomHistory._rename_into_folder,
            RandomHistory._delete, RandomHistory._forget]
