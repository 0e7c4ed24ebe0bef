"""Ports for servers that cannot be given port 0."""

import random
import socket

_BELOW_THE_EPHEMERAL = range(10_240, 32_768)  # no connection of anybody takes one of these between our look and its use


def free_port():
    """A port of the loopback address that nobody uses."""
    for port in random.sample(_BELOW_THE_EPHEMERAL, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")
