"""The whole local system: starts every part in order, says where it is, and ends all of it.

    Postgres, sign-in, model, AWS  ->  the tools  ->  ChatFunction  ->  the page  ->  ready

Everything that it starts dies with it, even after `kill -9`: the processes are watched by a reaper
each, and Postgres, which survives, is found and used by the next start. One folder holds one
system; a lock on it tells a second one.
"""

import asyncio
import fcntl
import http.client
import shutil
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console

from sidestream.domain import Domain, DomainError
from sidestream.local import sign_in
from sidestream.local.aws import LocalAws
from sidestream.local.console import LogBook
from sidestream.local.emulator import EventFailed, FunctionSpec, FunctionUrl, invoke
from sidestream.local.emulator.environment import InitError
from sidestream.local.endpoints import Endpoints, own_pid
from sidestream.local.errors import LocalSystemError
from sidestream.local.functions import (
    CHAT,
    TIDY,
    Backends,
    chat_function,
    page_origins,
    tidy_function,
    tools_function,
)
from sidestream.local.keys import LocalKeys
from sidestream.local.metrics import MetricFeed
from sidestream.local.model import ModelSettings, ScriptedModelServer, grammar_of
from sidestream.local.page import Page, address_setting, shows
from sidestream.local.ports import free_port, on_free_ports
from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.sam import SamLocal
from sidestream.local.schedule import Schedule
from sidestream.local.settings import LocalOptions, load_domain
from sidestream.store.migrate import migrate

_Step = Callable[[], Awaitable[None]]


class LocalSystem:
    """One running system. An async context manager; its parts are there once it is entered.

    `postgres` is a server that runs already, is migrated and stays; without it the system has its
    own under the folder. `console` shows the functions' log lines. Raises `LocalSystemError` when
    there is no such domain.
    """

    domain: Domain
    chat: FunctionUrl
    tools: FunctionUrl
    tidying: FunctionSpec
    metrics: MetricFeed
    endpoints: Endpoints

    def __init__(
        self,
        options: LocalOptions,
        *,
        console: Console | None = None,
        postgres: EmbeddedPostgres | None = None,
    ) -> None:
        self.options = options
        self.domain = _domain(options)
        self._log_names = {CHAT: "chat", TIDY: "tidy", self.domain.function: self.domain.name}
        grammar = grammar_of(self.domain.scripted)
        settings = ModelSettings(delay_ms=options.model_delay_ms, grammar=grammar)
        self.model = ScriptedModelServer(settings)
        self.postgres = postgres or EmbeddedPostgres(
            options.folder / "postgres", durable=options.durable
        )
        self._owns_postgres = postgres is None
        self._console = console
        self._stack = AsyncExitStack()
        self._page: Page | None = None

    def token(self, user_id: str) -> str:
        """A JWT with which the system knows a user."""
        return sign_in.mint(self.options.folder, user_id)

    async def tidy(self) -> dict[str, int]:
        """Have go what nobody needs any more. Gives how many of which went. Raises
        `EventFailed`."""
        gone: dict[str, int] = await invoke(self.tidying, {}, partial(self._heard, TIDY))
        return gone

    async def broken(self) -> str:
        """Wait until a part ends that should not, and give its name."""
        parts = {"moto's server": self._aws} | ({"the page": self._page} if self._page else {})
        waits = {asyncio.ensure_future(part.wait()): name for name, part in parts.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return waits[done.pop()]

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        options, stack = self.options, self._stack
        options.folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_FolderLock(options.folder))
        Endpoints.remove(options.folder)
        stack.callback(Endpoints.remove, options.folder)
        say = self._console.print if self._console else _say_nothing
        if options.web and not shows(self.domain.name):
            say(f"The page is none of the {self.domain.name}, so it is left out.")
            options = replace(options, web=False)
        self.options = options = await asyncio.to_thread(on_free_ports, options, say)
        keys = LocalKeys.of(options.folder)
        self._logs = stack.enter_context(LogBook(options.folder / "logs", self._console))

        page_port = options.web_port or free_port()
        backends = await self._start_backends(page_port)
        tools = await asyncio.to_thread(tools_function, options, keys, backends, self.domain)
        self.tools = await self._start_function(tools)
        chat = await asyncio.to_thread(chat_function, options, keys, backends, self.tools.url)
        self.chat = await self._start_function(chat)
        sam = SamLocal(options, keys, backends, self._aws.create_secret, say)
        stack.push_async_callback(sam.stop)
        jobs = [
            self._warm(self.chat),
            self._warm(self.tools),
            sam.start(self.domain, self.tools.url),
        ]
        if options.web:
            jobs.append(self._start_page(keys, page_port))
        await _all(*jobs)
        self.tidying = tidy_function(options, backends)
        if options.tidy_every_s is not None:
            schedule = Schedule(self._tidy_again, options.tidy_every_s)
            await self._open(schedule.start, schedule.stop)
        self.endpoints = self._endpoints(backends)
        self.endpoints.write(options.folder)

    async def _tidy_again(self) -> None:
        with suppress(EventFailed):  # its log says why
            await self.tidy()

    async def _start_backends(self, page_port: int) -> Backends:
        auth = sign_in.SignIn(self.options.folder)
        self._aws = aws = LocalAws(lambda line: self._logs("aws", line))
        self.metrics = MetricFeed(aws.url)
        self._stack.callback(self.metrics.close)
        jobs = [self._open(auth.start, auth.stop), self._open(aws.start, aws.stop)]
        if self._owns_postgres:
            jobs.append(self._start_postgres())
        if self.options.scripted:
            jobs.append(self._enter_model())
        await _all(*jobs)
        return Backends(
            database_url=self.postgres.app_url,
            sign_in_url=auth.url,
            aws_url=aws.url,
            model_url=self.model.base_url if self.options.scripted else None,
            page_port=page_port,
            secrets=aws.keep_secret if self.options.secrets_manager else None,
        )

    async def _open(self, start: _Step, stop: _Step) -> None:
        self._stack.push_async_callback(stop)
        await start()

    async def _enter_model(self) -> None:
        await self._stack.enter_async_context(self.model)

    async def _start_postgres(self) -> None:
        # A thread cannot be cancelled: whoever stops the server lets its start finish first.
        starting = asyncio.ensure_future(asyncio.to_thread(self._prepare_postgres))
        self._stack.push_async_callback(self._stop_postgres, starting)
        await asyncio.shield(starting)

    def _prepare_postgres(self) -> None:
        self.postgres.start()
        folders = self.domain.migration_folders
        migrate(self.postgres.owner_url, self.postgres.app_password, folders=folders)

    async def _stop_postgres(self, starting: asyncio.Future[None]) -> None:
        await asyncio.wait([starting])
        await asyncio.to_thread(self.postgres.stop)

    async def _start_function(self, spec: FunctionSpec) -> FunctionUrl:
        url = FunctionUrl(spec, self._heard)
        await self._open(url.start, url.stop)
        return url

    def _heard(self, name: str, line: str) -> None:
        self._logs(self._log_names[name], line)
        self.metrics(line)

    async def _warm(self, function: FunctionUrl) -> None:
        name = function.spec.name
        try:
            await function.warm()
            status = await asyncio.to_thread(_get_status, function.url, "/healthz")
        except InitError as error:
            reason = str(error)
        else:
            if status == http.HTTPStatus.OK:
                return
            reason = f"/healthz answered {status}"
        log = self._logs.path(self._log_names[name])
        raise LocalSystemError(f"{name} does not work: {reason} Its log is {log}.")

    async def _start_page(self, keys: LocalKeys, port: int) -> None:
        origin = page_origins(port)[0]
        environment = {
            "NEXT_PUBLIC_MOD": "dev",
            "NEXT_PUBLIC_API_BASE_URL": self.chat.url,
            address_setting(self.domain.name): self.tools.url,
            "NEXT_PUBLIC_AUTH_BASE_URL": origin,
            "BETTER_AUTH_SECRET": keys.page_secret,
            "BETTER_AUTH_URL": origin,
            "DATABASE_URL": self.postgres.owner_url,
        }
        self._page = page = Page(
            port,
            environment,
            on_line=lambda line: self._logs("page", line),
            on_build_line=lambda line: self._logs("page-build", line),
        )
        await page.prepare()
        await self._open(page.start, page.stop)

    def _endpoints(self, backends: Backends) -> Endpoints:
        pids = own_pid() | {"aws": self._aws.pid}
        if self._page is not None:
            pids["page"] = self._page.pid
        return Endpoints(
            chat=self.chat.url,
            tools=self.tools.url,
            web=page_origins(backends.page_port)[0] if self._page else None,
            database_url=self.postgres.owner_url,
            app_database_url=self.postgres.app_url,
            auth=backends.sign_in_url,
            model=backends.model_url,
            aws=backends.aws_url,
            secrets=self._aws.secrets,
            pids=pids,
            domain=self.options.domain,
            name=self.domain.name,
        )


class _FolderLock:
    """Lets one system at a time into a folder. The kernel lets go of it when the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        self._file = (self._folder / "lock").open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise LocalSystemError(
                f"A local system already runs in {self._folder}. Stop it first, "
                "or choose another folder with --folder."
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def wipe(options: LocalOptions) -> None:
    """Forget all data of the system that a folder holds, when none runs there. Keeps its keys."""
    options.folder.mkdir(parents=True, exist_ok=True)
    with _FolderLock(options.folder):
        postgres = EmbeddedPostgres(options.folder / "postgres")
        postgres.stop()
        shutil.rmtree(postgres.data_dir, ignore_errors=True)
        shutil.rmtree(options.folder / "logs", ignore_errors=True)


def _say_nothing(_sentence: str) -> None:
    """The endpoints say it as well."""


def _domain(options: LocalOptions) -> Domain:
    try:
        domain = load_domain(options.domain)
    except DomainError as error:
        raise LocalSystemError(str(error)) from None
    if not domain.handler:
        raise LocalSystemError(f"The pack of the domain {domain.name} names no handler.")
    if not Endpoints.takes(domain.name):
        raise LocalSystemError(f"A domain cannot be called {domain.name}: endpoints.json has that.")
    return domain


async def _all(*jobs: Coroutine[None, None, None]) -> None:
    """Do all of it at once. Raises the first failure, after the others have been cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _get_status(base_url: str, path: str) -> int:
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
