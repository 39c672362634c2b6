"""A built function as Lambda runs it: its root, its user, its limits, and AWS's own emulator.

The emulator is the Runtime Interface Emulator that the SAM CLI brings; it gives a whole answer at
once, and knows neither freezing nor snapshots. Freezing is done here, by signals. A snapshot needs
the project's emulator, which starts the same root.

The limit of memory is one of addresses (`ulimit -v`), which needs no control group and is stricter
than Lambda's: it counts what is mapped and never touched, too.
"""

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
import psutil  # type: ignore[import-untyped]

from sidestream.cli.lambda_answer import LambdaAnswer
from sidestream.local.emulator.events import UrlRequest, function_url_event
from sidestream.local.emulator.http1 import Exchange, HttpServer
from sidestream.local.emulator.process import FunctionProcess
from sidestream.local.ports import free_port
from tests.deployment.built import Built
from tests.deployment.conftest import ROOT

USER_ID = 993
BOOTSTRAP = "/var/runtime/bootstrap"
PATH = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
LIBRARIES = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/opt/lib"
_REACHED_S = 30
_PROCESSOR = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
# As in AWS's image for Python 3.13, with the limits that Lambda sets from outside.
_BOOTSTRAP = """#!/bin/sh
ulimit -n 1024
ulimit -v $((AWS_LAMBDA_FUNCTION_MEMORY_SIZE * 1024))
export AWS_EXECUTION_ENV=AWS_Lambda_python3.13
exec ${AWS_LAMBDA_EXEC_WRAPPER:-} /var/lang/bin/python3.13 /var/runtime/bootstrap.py
"""
_BOOTSTRAP_PY = """import os, site, sys
import awslambdaric.__main__
task = os.environ["LAMBDA_TASK_ROOT"]
for folder in ("/opt/python/lib/python3.13/site-packages", "/opt/python", task):
    sys.path.insert(0, folder)
    site.addsitedir(folder)
awslambdaric.__main__.main([task, os.environ["_HANDLER"]])
"""


def why_not() -> str:
    """Why functions cannot be run so here, as a sentence; empty when they can."""
    if sys.platform != "linux":
        return "Lambda's root is laid out with Linux's mounts."
    if os.geteuid() != 0:
        return "Only root may lay out Lambda's root."
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "x", "/mnt"],
        capture_output=True,
        text=True,
    )
    return f"This machine lets root mount nothing: {done.stderr.strip()}" if done.returncode else ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What Lambda knows of a function. `variables` are its own."""

    name: str
    handler: str
    memory_mb: int
    timeout_s: int
    variables: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The variables of its process."""
        return {
            "PATH": PATH,
            "LD_LIBRARY_PATH": LIBRARIES,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout_s),
            "_HANDLER": self.handler,
            **self.variables,
        }


class Root:
    """Where functions are run: a folder with AWS's runtime and a mount point."""

    def __init__(self, built: Built, folder: Path) -> None:
        self._built = built
        self._empty = folder / "root"
        self._empty.mkdir()
        self._runtime = folder / "runtime"
        [packages] = built.python.parent.parent.glob("lib/python3.*/site-packages")
        shutil.copytree(packages, self._runtime)
        (self._runtime / "bootstrap").write_text(_BOOTSTRAP)
        (self._runtime / "bootstrap").chmod(0o755)
        (self._runtime / "bootstrap.py").write_text(_BOOTSTRAP_PY)
        [self._emulator] = (ROOT / ".tools/sam").glob(
            f"lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{_PROCESSOR}"
        )

    def command(self, function: str, *program: str) -> tuple[str, ...]:
        """How to start a program where a function is."""
        places = (
            *(self._empty, sys.base_prefix),
            *(self._built.code(function), self._built.layer(function)),
            *(self._runtime, self._emulator),
        )
        enter = (
            "unshare",
            "--mount",
            "--propagation",
            "private",
            ROOT / "tests/deployment/lambda-root",
        )
        return (*map(str, (*enter, *places)), *program)


@dataclass
class OnLambda:
    """A function under AWS's emulator, behind a URL. An async context manager.

    `lines` is its log, the emulator's included.
    """

    root: Root
    function: Deployed
    lines: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        ports = {free_port() for _ in range(8)}
        port, runtime_port = ports.pop(), ports.pop()
        self._invocations = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._one_at_a_time = asyncio.Lock()
        self._client = httpx2.AsyncClient(timeout=self.function.timeout_s)
        self._front = HttpServer(self._serve)
        command = self.root.command(
            self.function.name,
            "/var/rapid/aws-lambda-rie",
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
            *(BOOTSTRAP, self.function.handler),
        )
        self._process = await FunctionProcess.spawn(
            command, self.function.environment(), Path("/"), self.lines.append
        )
        try:
            await self._front.start()
            await self._reached(port)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._front.close()
        runtimes = self._children()
        await self._process.stop(grace_s=5)
        for process in runtimes:
            if process.is_running():
                process.kill()
        await self._client.aclose()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self._front.port}"

    @property
    def runtime(self) -> psutil.Process:
        """The function's own process."""
        [process] = self._children()
        return process

    @property
    def failures(self) -> list[str]:
        """What it logged that is worse than a warning."""
        return [line for line in self.lines if level(line) in ("ERROR", "CRITICAL")]

    def freeze(self) -> psutil.Process:
        """Stop it where it is, as Lambda does between two invocations; `resume()` is the thaw."""
        process = self.runtime
        process.suspend()
        return process

    def _children(self) -> list[psutil.Process]:
        try:
            return list(psutil.Process(self._process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    async def _reached(self, port: int) -> None:
        async with asyncio.timeout(_REACHED_S):
            while self._process.exit_code is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return
        raise RuntimeError("\n".join(["The emulator did not start:", *self.lines]))

    async def _serve(self, exchange: Exchange) -> None:
        body = await exchange.body(6 * 1024 * 1024)
        event = function_url_event(UrlRequest.of(exchange, body, "request", "Root=1-0-0"))
        async with self._one_at_a_time:
            answer = await self._client.post(self._invocations, json=event)
        read = LambdaAnswer.read(answer.content)
        if read is None:
            await exchange.respond(502, [], answer.content)
            return
        await exchange.respond(read.status, list(read.headers.items()), read.body.encode())


def level(line: str) -> str:
    """How serious a line of a function's log is; empty for one that is none of its own."""
    try:
        document: Any = json.loads(line)
        return str(document["level"])
    except (ValueError, TypeError, KeyError):
        return ""


def connections(process: psutil.Process, port: int) -> list[int]:
    """The own ports of a process's connections to a port."""
    return [
        each.laddr.port
        for each in process.net_connections("tcp")
        if each.raddr and each.raddr.port == port
    ]


def read_only(process: psutil.Process, paths: Iterable[str]) -> bool:
    """Whether a process sees all of these as mounts that nobody may write to."""
    mounts = {
        fields[4]: fields[5].split(",")
        for fields in map(
            str.split, Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()
        )
    }
    return all("ro" in mounts[path] for path in paths)


def address_limit(process: psutil.Process) -> int:
    """The most addresses that a process may have, in bytes."""
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    [line] = [line for line in limits.splitlines() if line.startswith("Max address space")]
    return int(line.split()[3])
