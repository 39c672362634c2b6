"""The page: Next.js, built when its sources have changed since the last build, then served."""

import asyncio
import hashlib
import http.client
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sidestream.local.emulator.process import FunctionProcess, LineSink
from sidestream.local.environment import base
from sidestream.local.settings import PROJECT

FRONTEND: Final = PROJECT / "frontend"
_CONFIG: Final = Path("src", "lib", "config.ts")
_START_TIMEOUT_S = 60
_STOP_GRACE_S = 3.0
_LINES_OF_A_FAILURE = 20
_NOT_SOURCES = frozenset({"node_modules", ".next", "next-env.d.ts", "tests", "e2e"})


class PageError(RuntimeError):
    """The page could not be built or started."""


def address_setting(domain: str) -> str:
    """Give the page's setting that says where the function of a domain is."""
    return f"NEXT_PUBLIC_{domain.upper()}_BASE_URL"


def shows(domain: str) -> bool:
    """Tell whether the page in this checkout is one of a domain: whether it has that setting.
    Raises `PageError` where there is no page."""
    try:
        config = (FRONTEND / _CONFIG).read_text()
    except FileNotFoundError:
        raise PageError("This checkout has no page: start without --web.") from None
    return f'"{address_setting(domain)}"' in config


class Page:
    """The server of the page. `environment` has the settings that `frontend/README.md` names.

    What the server prints goes to `on_line`, what its build prints to `on_build_line`.
    """

    def __init__(
        self,
        port: int,
        environment: Mapping[str, str],
        *,
        on_line: LineSink,
        on_build_line: LineSink,
    ) -> None:
        self._environment = {**base(), "NEXT_TELEMETRY_DISABLED": "1", **environment}
        self._port = port
        self._on_line = on_line
        self._on_build_line = on_build_line
        self._process: FunctionProcess | None = None

    @property
    def pid(self) -> int:
        """The server's process id, 0 when it does not run."""
        return self._process.pid if self._process else 0

    async def prepare(self) -> None:
        """Bring the sign-in tables and the build up to date. Raises `PageError`."""
        if not (FRONTEND / "node_modules").is_dir() or shutil.which("node") is None:
            raise PageError("The page's Node packages are missing: run scripts/node-packages.")
        await self._run("prepare its sign-in tables", "scripts/migrate.mjs")
        stamp = FRONTEND / ".next" / "sidestream-build"
        want = await asyncio.to_thread(_digest)
        if stamp.exists() and stamp.read_text() == want:
            return
        if not stamp.exists():
            # A build that did not end well leaves its mistakes in the cache.
            shutil.rmtree(stamp.parent, ignore_errors=True)
        stamp.unlink(missing_ok=True)
        self._on_line("Building the page, which takes a while the first time ...")
        await self._run("be built", _NEXT, "build")
        stamp.write_text(want)

    async def start(self) -> None:
        """Serve what is built. Raises `PageError`."""
        command = ["node", _NEXT, "start", "-H", "127.0.0.1", "-p", str(self._port)]
        self._process = await FunctionProcess.spawn(
            command, self._environment, FRONTEND, self._on_line
        )
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while not await asyncio.to_thread(self._answers):
            if self._process.exit_code is not None:
                raise PageError(f"The page ended with exit code {self._process.exit_code}.")
            if asyncio.get_running_loop().time() > deadline:
                raise PageError("The page did not answer.")
            await asyncio.sleep(0.05)

    async def wait(self) -> None:
        """Wait for the server to end."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """End the server."""
        if self._process is not None:
            await self._process.stop(_STOP_GRACE_S)

    async def _run(self, purpose: str, *arguments: str) -> None:
        said: list[str] = []

        def on_line(line: str) -> None:
            said.append(line)
            self._on_build_line(line)

        process = await FunctionProcess.spawn(
            ["node", *arguments], self._environment, FRONTEND, on_line
        )
        try:
            code = await process.wait()
        finally:
            await process.stop(0)
        if code != 0:
            raise PageError(f"The page could not {purpose}:\n" + "\n".join(_cause(said)))

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", "/api/auth/jwks")
            return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
        except OSError:
            return False
        finally:
            connection.close()


_NEXT: Final = "node_modules/next/dist/bin/next"
_INSTALLED: Final = FRONTEND / "node_modules" / ".sidestream-setup"
_NAMES_IT: Final = re.compile(r"error|fail|cannot|missing", re.IGNORECASE)


def _cause(said: list[str]) -> list[str]:
    """The lines of a failure that a person needs: from the first one that names it."""
    first = next((number for number, line in enumerate(said) if _NAMES_IT.search(line)), 0)
    return said[first : first + _LINES_OF_A_FAILURE]


def _digest() -> str:
    """What a build depends on: the page's sources, and the packages that are installed."""
    digest = hashlib.sha256()
    if _INSTALLED.exists():
        digest.update(_INSTALLED.read_bytes())
    for path in _sources(FRONTEND):
        digest.update(str(path.relative_to(FRONTEND)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _NOT_SOURCES or path.suffix == ".tsbuildinfo":
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path
