"""A stand-in for the service manager: the socket that sd_notify(3) writes to."""

import socket
import threading
from pathlib import Path


class NotifySocket:
    """Records every notification, each as a dictionary of its assignments."""

    def __init__(self, folder):
        self.path = Path(folder) / "notify.sock"
        self.messages = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def has(self, **assignments):
        """True when some notification holds all these assignments."""
        return any(assignments.items() <= message.items() for message in self.messages)

    def position(self, **assignments):
        """Where the first such notification stands among all."""
        return next(i for i, message in enumerate(self.messages) if assignments.items() <= message.items())

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _receive(self):
        while data := self._socket.recv(65536):
            lines = data.decode().splitlines()
            self.messages.append(dict(line.split("=", 1) for line in lines if "=" in line))
