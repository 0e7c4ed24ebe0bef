"""Synthetic bare repositories, the same on every machine."""

import os
import shutil
import subprocess
from dataclasses import dataclass

from support.git import GitRepository


@dataclass(frozen=True)
class Shape:
    """How much is in a repository. Every branch but the first has a commit of its own; every second tag is annotated."""

    name: str
    branches: int
    tags: int
    commits: int

    @property
    def refs(self):
        return self.branches + self.tags


SMALL = Shape("small", 20, 50, 200)
MEDIUM = Shape("medium", 200, 1_000, 5_000)
MANY_REFS = Shape("many-refs", 10_000, 10_000, 12_000)


def _commit(ref, number, parent, seed):
    text = "".join(f"{seed} {number if line == number % 9 else line} {(number * 7919 + line) % 99991}\n" for line in range(9))
    start = f"from :{parent}\n" if parent else ""
    return (f"commit {ref}\nmark :{number}\ncommitter Bench <bench@example.org> {1700000000 + number * 60} +0000\n"
            f"data 5\nwork\n{start}M 100644 inline part{number % 7}/file{number % 61}\ndata {len(text)}\n{text}\n")


def _history(shape, seed):
    """What git fast-import reads: a trunk, then one commit for each other branch, then the tags along the trunk."""
    trunk = shape.commits - shape.branches + 1
    yield from (_commit("refs/heads/main", number, number - 1, seed) for number in range(1, trunk + 1))
    for branch in range(1, shape.branches):
        parent = 1 + branch * (trunk - 1) // shape.branches
        yield _commit(f"refs/heads/topic/{branch // 100}/{branch % 100}", trunk + branch, parent, seed)
    for tag in range(1, shape.tags + 1):
        name, target = f"v{tag // 100}/{tag % 100}", 1 + tag * (trunk - 1) // (shape.tags + 1)
        if tag % 2:
            yield f"tag {name}\nfrom :{target}\ntagger Bench <bench@example.org> {1700000000 + tag} +0000\ndata 8\nrelease\n\n"
        else:
            yield f"reset refs/tags/{name}\nfrom :{target}\n\n"


def _fast_import(repository, stream, unpack_limit):
    """Without giving memory back to the kernel at each commit, which takes most of the time in a virtual machine."""
    environment = {**os.environ, "MALLOC_TOP_PAD_": str(2**26), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
    subprocess.run(["git", f"--git-dir={repository.path}", "-c", f"fastimport.unpackLimit={unpack_limit}", "-c",
                    "core.fsync=none", "fast-import", "--quiet"], input=stream.encode(), env=environment, check=True)


def make_repository(path, shape, seed=""):
    """A repository whose refs are packed and whose objects are in one pack."""
    repository = GitRepository.create(path)
    _fast_import(repository, "".join(_history(shape, seed or shape.name)), unpack_limit=1)
    repository.git("pack-refs", "--all")
    repository.git("repack", "-adfq", "--write-bitmap-index")
    return repository


def add_commits(repository, branches, number):
    """One more commit on each of the first branches; `number` makes it another one each time."""
    names = repository.git("for-each-ref", f"--count={branches}", "--format=%(refname)", "refs/heads/").splitlines()
    stream = []
    for place, name in enumerate(names):
        text = f"change {number} of {place}\n"
        stream.append(f"commit {name}\ncommitter Bench <bench@example.org> {1800000000 + number} +0000\ndata 5\nmore\n"
                      f"from {name}^0\nM 100644 inline changed/{place}\ndata {len(text)}\n{text}\n")
    _fast_import(repository, "".join(stream), unpack_limit=100_000)


def borrow(repository, path):
    """A mirror of a repository that is as it is after a pull, made quickly: its objects are the other's."""
    (path / "objects" / "info").mkdir(parents=True)
    (path / "refs").mkdir()
    (path / "objects" / "info" / "alternates").write_text(f"{repository.path / 'objects'}\n")
    for name in ("HEAD", "packed-refs"):
        shutil.copyfile(repository.path / name, path / name)
    (path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return path
