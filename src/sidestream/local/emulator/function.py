"""What a deployed function is: the settings that `template.yaml` would give it."""

import enum
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .cors import Cors

BOOTSTRAP = "/var/runtime/bootstrap.py"


class InvokeMode(enum.StrEnum):
    """`InvokeMode` of `FunctionUrlConfig`."""

    RESPONSE_STREAM = "RESPONSE_STREAM"
    BUFFERED = "BUFFERED"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function and its URL.

    `command` starts an environment's process. With `exec_wrapper` the process is started as the
    managed Python runtime starts it instead (`<wrapper> <python> /var/runtime/bootstrap.py`, where
    the script is only an argument that the wrapper may ignore). `cwd` is the function's code, also
    `LAMBDA_TASK_ROOT`. `env` is the function's own environment; of the caller's only `PATH`, `HOME`
    and `TMPDIR` reach it.

    `max_environments` plays the part of reserved concurrency. `max_concurrency` sets
    `AWS_LAMBDA_MAX_CONCURRENCY` and lets that many requests into one environment at a time.
    `freeze` stops an environment's processes between requests, as Lambda does. `port` 0 means any
    free port. `payload_version` 1.0 sends API Gateway REST proxy events.

    Raises `ValueError` for settings that cannot work.
    """

    name: str
    command: tuple[str, ...]
    handler: str
    env: Mapping[str, str]
    cwd: Path
    timeout_s: float = 300.0
    memory_mb: int = 1769
    max_environments: int = 10
    max_concurrency: int | None = None
    invoke_mode: InvokeMode = InvokeMode.BUFFERED
    cors: Cors | None = None
    freeze: bool = False
    initialization_type: Literal["on-demand", "snap-start"] = "on-demand"
    port: int = 0
    exec_wrapper: Path | None = None
    payload_version: Literal["2.0", "1.0"] = "2.0"
    init_timeout_s: float = 10.0
    python: str = sys.executable

    def __post_init__(self) -> None:
        if not self.command and self.exec_wrapper is None:
            raise ValueError("a function needs a command or an exec wrapper")
        if self.max_environments < 1 or (self.max_concurrency or 1) < 1:
            raise ValueError("a function needs room for at least one request")
        if self.timeout_s <= 0 or self.init_timeout_s <= 0:
            raise ValueError("timeouts are positive")

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line of one execution environment."""
        if self.exec_wrapper is None:
            return self.command
        return (str(self.exec_wrapper), self.python, BOOTSTRAP)

    @property
    def capacity(self) -> int:
        """Requests that one environment takes at a time."""
        return self.max_concurrency or 1
