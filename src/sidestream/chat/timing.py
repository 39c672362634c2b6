"""Where the time before the first word goes: the phases of a request, measured as they end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """The phases of one request by name, in milliseconds, in the order in which they ended."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self.cold_start = False

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what happens inside. A phase that fails is not counted."""
        started = time.perf_counter()
        yield
        self.phases[name] = round((time.perf_counter() - started) * 1000, 3)

    def header(self) -> str:
        """Give the `Server-Timing` header (https://www.w3.org/TR/server-timing/)."""
        entries = [f"{name};dur={ms:g}" for name, ms in self.phases.items()]
        return ", ".join(["cold", *entries] if self.cold_start else entries)
