"""Waiting for something to become true, without guessing how long it takes."""

import time


def wait_until(predicate, timeout=60.0, what="condition", describe=None):
    """Returns the first true value of `predicate()`. Raises AssertionError after `timeout` seconds; `describe()` then
    says what the world looked like."""
    end = time.monotonic() + timeout
    pause = 0.005
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= end:
            seen = f": {describe()}" if describe else ""
            raise AssertionError(f"{what} did not come true within {timeout:g} s{seen}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
