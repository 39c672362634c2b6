"""The operating system process of one execution environment.

It leads a session of its own, so that signals reach whatever it starts as well and a Ctrl-C in the
terminal reaches only the emulator. A small shell process, the reaper, waits on a pipe that only
the emulator holds: when the emulator dies without a goodbye, the pipe closes and the reaper kills
the whole group, frozen or not. This needs no code between fork and exec, and works on any Unix.
"""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

# The first line names the group; a second line means that it has ended in good order.
_REAPER = 'trap "" INT TERM HUP; read -r g && ! read -r _ && kill -s KILL -- "-$g"'
_READ_BYTES = 65_536
_MAX_LINE_BYTES = 1_048_576
_DRAIN_S = 1.0

LineSink = Callable[[str], None]


class FunctionProcess:
    """A process group with its output read line by line. Create it with `spawn`."""

    def __init__(self, process: Process, reaper: Process, log: asyncio.Task[None]) -> None:
        self._process = process
        self._reaper = reaper
        self._frozen = False
        self._ended = False
        self._log = log

    @classmethod
    async def spawn(
        cls, argv: Sequence[str], env: Mapping[str, str], cwd: Path, on_line: LineSink
    ) -> Self:
        """Start `argv`. Raises `OSError` when it cannot be started."""
        reaper = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", _REAPER,
            stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env={}, start_new_session=True,
        )  # fmt: skip
        # With a pipe of asyncio's own, the end of the process would only show once everything that
        # inherited the pipe has ended too.
        output, end = os.pipe()
        log = asyncio.create_task(_read_lines(output, on_line))
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=DEVNULL, stdout=end, stderr=end, env=env, cwd=cwd, start_new_session=True,
            )  # fmt: skip
        except OSError:
            await _dismiss(reaper)
            raise
        finally:
            os.close(end)
        _tell(reaper, f"{process.pid}\n")
        return cls(process, reaper, log)

    @property
    def pid(self) -> int:
        """The process's id, and its group's."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for the process to end, end its group and read its last lines; its exit code."""
        code = await self._process.wait()
        self.kill()
        self._ended = True
        await asyncio.wait([self._log], timeout=_DRAIN_S)
        return code

    def freeze(self) -> None:
        """Stop the group where it is."""
        if not self._frozen:
            self._frozen = True
            self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen group go on."""
        if self._frozen:
            self._frozen = False
            self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the group at once."""
        self._signal(signal.SIGKILL)

    async def stop(self, grace_s: float) -> int:
        """Ask the process to end, kill its group after `grace_s`, and wait; its exit code."""
        if self.exit_code is None and grace_s > 0:
            self._signal(signal.SIGTERM)
            self.thaw()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._process.wait()
        self.kill()
        code = await self.wait()
        self._log.cancel()
        await _dismiss(self._reaper)
        return code

    def _signal(self, number: signal.Signals) -> None:
        # The number of a group that has ended may belong to another by now.
        if self._ended:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _tell(reaper: Process, line: str) -> None:
    if reaper.stdin is not None and not reaper.stdin.is_closing():
        reaper.stdin.write(line.encode())


async def _dismiss(reaper: Process) -> None:
    # Without a group it has nothing to kill, with one the second line sends it home.
    _tell(reaper, "ended\n")
    if reaper.stdin is not None:
        reaper.stdin.close()
    await reaper.wait()


async def _read_lines(descriptor: int, on_line: LineSink) -> None:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", 0)
    )
    try:
        await _split_lines(stream, on_line)
    finally:
        transport.close()


async def _split_lines(stream: asyncio.StreamReader, on_line: LineSink) -> None:
    rest = b""
    while data := await stream.read(_READ_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _MAX_LINE_BYTES:
            lines, rest = [*lines, rest], b""
        for line in lines:
            _emit(line, on_line)
    if rest:
        _emit(rest, on_line)


def _emit(line: bytes, on_line: LineSink) -> None:
    # AWS's Python runtime separates the lines of one record by carriage returns.
    for part in line.rstrip(b"\r").split(b"\r"):
        on_line(part.decode(errors="replace"))
