"""The `sidestream` command as a process of its own, for tests that end it every way there is."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psutil  # type: ignore[import-untyped]

_READY_TIMEOUT_S = 120
_END_TIMEOUT_S = 30
_PROGRAM = ("-c", "from sidestream.cli import main; main()")
COMMAND = (sys.executable, *_PROGRAM)


def run(
    *arguments: str | Path, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with more variables in its environment if given. Its colours are
    off; the person's own settings do not reach it."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**_environment(), **(env or {})},
        timeout=120,
    )


class LocalProcess:
    """`sidestream local` on free ports. A context manager: ready inside, and gone after. `env` and
    `umask` are what a person's shell has besides."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
        umask: int = -1,
    ) -> None:
        self._folder = folder
        self._python = python
        self._env = {**_environment(), **(env or {})}
        self._umask = umask
        ports = ("--chat-port", "0", "--tools-port", "0", "--web-port", "0")
        self._arguments = ("local", "--folder", str(folder), *ports, *arguments)
        self._output = folder.with_name(f"{folder.name}.out")

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text()

    @property
    def endpoints(self) -> dict[str, Any]:
        """Its endpoints.json."""
        document: dict[str, Any] = json.loads((self._folder / "endpoints.json").read_text())
        return document

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                [self._python, *_PROGRAM, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                umask=self._umask,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not self._is_ready():
            assert self._process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def signal(self, number: signal.Signals, *, times: int = 1) -> int:
        """Send it a signal and wait for its end; its exit code."""
        for _ in range(times):
            self._process.send_signal(number)
        return self._process.wait(_END_TIMEOUT_S)

    def children(self) -> list[psutil.Process]:
        """Every process that stands under it now, and its Postgres."""
        found = psutil.Process(self._process.pid).children(recursive=True)
        return [*found, *postgres_processes(self._folder)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)

    def _is_ready(self) -> bool:
        try:
            return bool(self.endpoints["pids"]["sidestream"] == self._process.pid)
        except FileNotFoundError:
            return False


def postgres_processes(folder: Path) -> list[psutil.Process]:
    """The Postgres servers whose data is under a folder."""
    under = str(folder.resolve())
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres"
        and any(part.startswith(under) for part in process.info["cmdline"] or ())
    ]


def wait_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for processes to end; those that have not after 30 s."""
    _, alive = psutil.wait_procs(processes, timeout=_END_TIMEOUT_S)
    return list(alive)


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "LANG")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"NO_COLOR": "1"}
