"""What runs on this machine, read from /proc."""

import threading
from pathlib import Path


def mentioning(text, besides=()):
    """Command lines of the processes whose command line or environment contains a text, by process id."""
    needle, found = str(text).encode(), {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) not in besides:
            command = _read(process / "cmdline")
            if command and (needle in command or needle in _read(process / "environ")):
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def page_faults_of_children(pid):
    """What the kernel has counted of the children of a process that have ended. Each of them adds to it."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(after_name[8])


class CommandLineSampler:
    """Looks at all command lines again and again, and keeps those that contain one of the texts."""

    def __init__(self, *texts):
        self._texts = [text.encode() for text in texts]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.seen = set()
        self.rounds = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _sample(self):
        while not self._stop.wait(0.005):
            self.rounds += 1
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                command = _read(process)
                if any(text in command for text in self._texts):
                    self.seen.add(command)


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
