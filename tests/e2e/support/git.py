"""Bare Git repositories, made and changed quickly through plumbing commands."""

import os
import subprocess
from pathlib import Path

ABSENT = "0" * 40
_IDENTITY = "Ada Example <ada@example.org>"
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "MALLOC_TOP_PAD_": "67108864",  # the C library's: fast-import returns and requests memory for each object otherwise
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "GIT_CONFIG_KEY_1": "gc.auto",
    "GIT_CONFIG_VALUE_1": "0",
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def branch(name):
    """The full name of a branch."""
    return f"refs/heads/{name}"


def tag(name):
    """The full name of a tag."""
    return f"refs/tags/{name}"


class GitRepository:
    """A bare repository. Commits are numbered, so the same steps give the same object ids on every machine."""

    def __init__(self, path):
        self.path = Path(path)
        self._commits = 0

    @classmethod
    def create(cls, path, head="main"):
        """Makes an empty bare repository that accepts pushes over HTTP."""
        repository = cls(path)
        repository.path.mkdir(parents=True)
        repository._run(["init", "-q", "--bare", "--template=", f"--initial-branch={head}", str(path)], None)
        repository.git("config", "http.receivepack", "true")
        return repository

    def git(self, *arguments, data=None, check=True):
        """Runs git in the repository and returns its standard output without the final line break."""
        return self._run([f"--git-dir={self.path}", *arguments], data, check)

    def commit(self, ref="refs/heads/main", parent=None, files=None, root=False):
        """Adds a commit to a ref (a branch, or any full name) and returns its id. `parent` names another commit to
        build on than the ref's own; `root` builds on none."""
        ref = ref if ref.startswith("refs/") else branch(ref)
        self._commits += 1
        parents = [] if root else [parent or self.value(ref)]
        return self._import_commit(ref, [p for p in parents if p], files or {"file": f"content {self._commits}\n"})

    def commits(self, count, ref="main"):
        """Adds several commits to a branch and returns the last one's id."""
        return [self.commit(ref) for _ in range(count)][-1]

    def set(self, ref, value):
        """Points a ref (full name) at an object, whatever it held."""
        self.git("update-ref", ref, value)

    def set_many(self, refs):
        """Points many refs (full name -> id) at objects in one transaction."""
        self.git("update-ref", "--stdin", data="".join(f"update {name} {value}\n" for name, value in refs.items()))

    def delete(self, *refs):
        """Deletes refs (full names)."""
        self.git("update-ref", "--stdin", data="".join(f"delete {name}\n" for name in refs))

    def annotated_tag(self, name, target, message="release"):
        """Makes an annotated tag and returns the tag object's id."""
        text = f"object {target}\ntype commit\ntag {name}\ntagger {_IDENTITY} 1700000000 +0000\n\n{message}\n"
        value = self.git("mktag", data=text)
        self.set(tag(name), value)
        return value

    def value(self, ref):
        """What a ref holds, or None."""
        return self.git("rev-parse", "--verify", "-q", "--end-of-options", ref, check=False) or None

    def refs(self, *prefixes):
        """Branches and tags (or the refs below the prefixes) with their values."""
        wanted = prefixes or ("refs/heads/", "refs/tags/")
        lines = self.git("for-each-ref", "--format=%(objectname) %(refname)", *wanted).splitlines()
        return {name: value for value, name in (line.split(" ", 1) for line in lines)}

    def head(self):
        """The branch HEAD points at, also when it does not exist yet."""
        return (self.path / "HEAD").read_text().removeprefix("ref: ").strip()

    def hook(self, name, script):
        """Installs an executable hook."""
        path = self.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def fsck(self):
        """What `git fsck --full --strict` complains about; "" when all is well."""
        told = self._run([f"--git-dir={self.path}", "fsck", "--full", "--strict", "--no-dangling", "--no-progress"],
                         None, check=False, errors=True)
        return "\n".join(line for line in told.splitlines() if not line.startswith("notice: "))

    def leftovers(self):
        """Files that a git process that was cut short leaves behind."""
        patterns = ("*.lock", "tmp_*", ".tmp-*", "packed-refs.new", "*.keep", "FETCH_HEAD", "shallow")
        return sorted(str(p.relative_to(self.path)) for pattern in patterns for p in self.path.rglob(pattern))

    def _import_commit(self, ref, parents, files):
        lines = [f"commit {ref}\nmark :1\ncommitter {_IDENTITY} {1700000000 + self._commits} +0000\n".encode()]
        lines.append(_data(f"commit {self._commits} of {self.path.name}\n".encode()))
        lines += [f"from {parent}\n".encode() for parent in parents]
        for name, content in files.items():
            lines.append(f"M 100644 inline {name}\n".encode())
            lines.append(_data(content if isinstance(content, bytes) else content.encode()))
        lines.append(b"\nget-mark :1\n")
        return self.git("fast-import", "--quiet", "--force", data=b"".join(lines))

    def _run(self, arguments, data, check=True, errors=False):
        data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        done = subprocess.run(["/usr/bin/git", *arguments], input=data if data is not None else b"", env=_ENVIRONMENT,
                              capture_output=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)}: {os.fsdecode(done.stderr)}")
        return os.fsdecode(done.stdout + (done.stderr if errors else b"")).strip("\n")


def _data(content):
    return b"data %d\n%s\n" % (len(content), content)
