"""`sidestream doctor`: what is wrong with a system, and what to do about it, a line for each part.

Looks from outside, with the settings that the functions have: the local system's own, or for a
deployed one those of the environment it is run in.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption
from sidestream.cli.option import pasted
from sidestream.local.environment import forget_libpq

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sidestream.cli.checks.finding import Check, Finding, State
    from sidestream.cli.checks.settings import Configuration
    from sidestream.domain import Domain
    from sidestream.local.endpoints import Endpoints

EXIT_ILL: Final = 1
_STREAM_LIMIT_S: Final = 90.0
_USER: Final = "doctor"


@dataclass(frozen=True, slots=True)
class Patient:
    """The system to look at: base URLs, a token of a user, and the page's origin."""

    chat: str
    tools: str | None
    token: str | None
    origin: str | None
    direct_database_url: str | None
    deployed: bool


def doctor(
    url: Annotated[
        str | None, pasted(help="A deployed ChatFunction. Without it, the local system.")
    ] = None,
    tools_url: Annotated[
        str | None, pasted(help="Its domain's function. Without it, that of TOOLS_MCP_URL.")
    ] = None,
    token: Annotated[
        str | None, pasted(envvar="SIDESTREAM_TOKEN", help="Your token for --url.")
    ] = None,
    origin: Annotated[
        str | None, pasted(help="The page's origin, such as https://app.example.com.")
    ] = None,
    direct_database_url: Annotated[
        str | None,
        pasted(envvar="DIRECT_DATABASE_URL", help="The tables' owner, to see migrations."),
    ] = None,
    model: Annotated[
        bool,
        typer.Option("--model", help="Instead, talk to the model's provider; it costs a little."),
    ] = False,
    folder: FolderOption = FOLDER,
) -> None:
    """Check every part of a system. Exit code 1 when something does not work."""
    # Libraries quote what they were given, and that may be a secret.
    logging.disable(logging.CRITICAL)
    if model:
        if not asyncio.run(_examine_model(Console(highlight=False), folder.resolve(), url)):
            raise typer.Exit(EXIT_ILL)
        return
    if url:
        forget_libpq()
        patient = Patient(
            chat=url.rstrip("/"),
            tools=tools_url and tools_url.rstrip("/"),
            token=token,
            origin=origin and origin.rstrip("/"),
            direct_database_url=direct_database_url,
            deployed=True,
        )
    else:
        patient = _local(folder.resolve(), origin)
    if not asyncio.run(_examine(Console(highlight=False), patient)):
        raise typer.Exit(EXIT_ILL)


async def _examine(console: Console, patient: Patient) -> bool:
    """Print every finding as it comes. Tells whether nothing failed."""
    from sidestream.cli.checks import settings
    from sidestream.cli.checks.finding import findings

    found = await asyncio.to_thread(settings.read)
    checks = list(_checks(patient, found))
    width = max(len(check.name) for check in checks)
    return await _print(console, findings(checks), width)


async def _examine_model(console: Console, folder: Path, url: str | None) -> bool:
    """Print what a conversation with the configured model tells. Tells whether nothing failed."""
    from sidestream.cli.checks import settings
    from sidestream.cli.checks.finding import Unchecked
    from sidestream.cli.checks.model import NAME_CHARS, Examination
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.settings import personal_settings

    if not url:
        endpoints = Endpoints.read(folder)
        os.environ.update(_environment(folder, endpoints) if endpoints else personal_settings())
    found = await asyncio.to_thread(settings.read)
    try:
        known = found.require("openai_api_key", "openai_base_url", "model", "model_api")
    except Unchecked as lacking:
        raise CommandError(str(lacking)) from None
    return await _print(console, Examination(known).findings(), NAME_CHARS)


async def _print(console: Console, found: "AsyncIterator[tuple[str, Finding]]", width: int) -> bool:
    """Print findings as they come. Tells whether nothing failed."""
    from sidestream.cli.checks.finding import State

    states = []
    async for name, finding in found:
        states.append(finding.state)
        line = Text.assemble(
            (f"{finding.state:<9}", _style(finding.state)), f" {name:<{width}}  {finding.sentence}"
        )
        console.print(line, soft_wrap=True)
    wrong = states.count(State.FAILED)
    console.print(f"{wrong} of {len(states)} to mend." if wrong else "Nothing is wrong.")
    return not wrong


def _style(state: "State") -> str:
    return {"ok": "green", "failed": "bold red"}.get(state, "yellow")


def _checks(patient: Patient, found: "Configuration") -> Iterator["Check"]:
    from sidestream.cli.checks import endpoint, mcp, services, settings, sign_in, stream
    from sidestream.cli.checks.finding import Check

    yield Check("configuration", partial(settings.configuration, found))
    yield Check("secrets", partial(settings.secrets, found))
    domain = _domain(found)
    yield from _database_checks(patient, found, domain)
    known = found.get("auth_issuers")
    for issuer in known.auth_issuers if known else ():
        yield Check(f"sign-in {issuer.issuer}", partial(sign_in.keys, issuer))
    yield Check("token", partial(sign_in.accepted, found, patient.token))
    yield Check("model", partial(_model, patient, found))
    tools, served = _tools_urls(patient, found)
    yield Check(
        "tools", lambda: services.tools(found.require("tool_signing_key", "tools_mcp_auth"), served)
    )
    if attached := found.get("mcp_servers", "mcp_server_secrets"):
        for entry in attached.mcp_servers:
            yield Check(f"MCP server {entry.name}", partial(mcp.attached, entry, attached))
    yield Check("endpoint", partial(endpoint.health, patient.chat))
    yield Check("clock", partial(endpoint.clock, patient.chat))
    yield Check(
        "origin, chat",
        partial(endpoint.origin, patient.chat, patient.origin, "/api/chatkit", "POST"),
    )
    path = f"/api/{_USER}/{domain.name if domain else '-'}/1"
    yield Check("origin, tools", partial(endpoint.origin, tools, patient.origin, path, "PATCH"))
    streams = partial(stream.streams, patient.chat, patient.token)
    yield Check("streaming", streams, limit_s=_STREAM_LIMIT_S, alone=True)


async def _model(patient: Patient, found: "Configuration") -> "Finding":
    """The models that are set here, or else those that the endpoint says it uses."""
    from sidestream.cli.checks import endpoint, services

    settings = found.require("openai_api_key", "openai_base_url", "model", "models")
    here = "model" in settings.model_fields_set
    names = settings.allowed_models if here else await endpoint.models(patient.chat)
    return await services.model(settings, names)


def _domain(found: "Configuration") -> "Domain | None":
    """The domain of the settings. The check of the tools says what is wrong when there is none."""
    from sidestream.domain import DomainError
    from sidestream.local.settings import load_domain

    settings = found.get()
    try:
        return load_domain(settings.domain) if settings else None
    except DomainError:
        return None


def _database_checks(
    patient: Patient, found: "Configuration", domain: "Domain | None"
) -> Iterator["Check"]:
    from sidestream.cli.checks import database
    from sidestream.cli.checks.finding import Check

    def url() -> str:
        return found.require("database_url").database_url.get_secret_value()

    yield Check("database", lambda: database.reachable(url()))
    folders = domain.migration_folders if domain else None
    yield Check("migrations", partial(database.migrated, patient.direct_database_url, folders))
    yield Check("database role", lambda: database.role(url()))
    yield Check("tidied", lambda: database.tidied(url()))
    yield Check("pooler", lambda: database.pooler(url(), deployed=patient.deployed))


def _tools_urls(patient: Patient, found: "Configuration") -> tuple[str | None, str | None]:
    """Where the page finds the domain's function, and its MCP endpoint, as far as they are known.

    A URL that takes signed calls is not the page's: that goes through the front, which
    answers for both functions.
    """
    known = found.get("tools_mcp_url", "tools_mcp_auth")
    url = str(known.tools_mcp_url) if known else None
    if known and known.tools_mcp_auth == "sigv4":
        return patient.tools or patient.chat, url
    if patient.tools:
        return patient.tools, f"{patient.tools}/mcp"
    return url and url.removesuffix("/mcp"), url


def _local(folder: Path, origin: str | None) -> Patient:
    """The local system of a folder, whose settings this process takes on. Raises `CommandError`."""
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.environment import isolate
    from sidestream.local.sign_in import mint

    endpoints = Endpoints.read(folder)
    if endpoints is None:
        raise CommandError(
            "No local system runs here. Start one with `make run` or `sidestream local`, "
            "or name a deployed one with --url and --token."
        )
    settings = _environment(folder, endpoints)
    isolate()
    os.environ.update(settings)
    return Patient(
        chat=endpoints.chat,
        tools=endpoints.tools,
        token=mint(folder, _USER),
        origin=origin or endpoints.web,
        direct_database_url=endpoints.database_url,
        deployed=False,
    )


def _environment(folder: Path, endpoints: "Endpoints") -> dict[str, str]:
    """The environment of the local ChatFunction. Without the page, nobody signs in there."""
    import json
    from urllib.parse import urlsplit

    from sidestream.local.emulator.variables import REGION
    from sidestream.local.errors import LocalSystemError
    from sidestream.local.functions import Backends, chat_function, page_origins
    from sidestream.local.keys import LocalKeys
    from sidestream.local.settings import LocalOptions, personal_settings

    scripted = endpoints.model is not None
    own = personal_settings()
    settings = {name: own[name] for name in own if name == "AUTH_ISSUERS" or not scripted}
    options = LocalOptions(folder=folder, settings=settings | {"DOMAIN": endpoints.domain})
    backends = Backends(
        database_url=endpoints.app_database_url,
        sign_in_url=endpoints.auth,
        aws_url=endpoints.aws,
        model_url=endpoints.model,
        page_port=urlsplit(endpoints.web or "").port or 0,
        secrets=(lambda name, _text: endpoints.secrets[name]) if endpoints.secrets else None,
    )
    try:
        chat = chat_function(options, LocalKeys.of(folder), backends, endpoints.tools)
    except LocalSystemError as error:
        raise CommandError(str(error)) from None
    environment = dict(chat.env)
    if endpoints.secrets:
        environment |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
        environment |= {"AWS_DEFAULT_REGION": REGION}
    if endpoints.web is None:
        issuers = json.loads(environment["AUTH_ISSUERS"])
        page = page_origins(backends.page_port)[0]
        there = [issuer for issuer in issuers if issuer.get("issuer") != page]
        environment["AUTH_ISSUERS"] = json.dumps(there)
    return environment
