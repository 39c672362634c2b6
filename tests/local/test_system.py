"""The local system: from an empty folder to ready, to its end, however it comes, and back."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import jwt
import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from sidestream.local import sign_in
from sidestream.local.endpoints import Endpoints
from sidestream.local.ports import on_free_ports
from sidestream.local.settings import PROJECT, LocalOptions
from sidestream.local.system import LocalSystem
from tests.command import LocalProcess, postgres_processes, run, wait_gone
from tests.tickets import PACKAGE, open_all

TICKETS = ("--domain", PACKAGE)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a system, which root's Postgres can enter."""
    with _readable_folder() as path:
        yield path / "local"


@contextlib.contextmanager
def _readable_folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="sidestream-local-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _open_ticket(base_url: str, token: str, subject: str) -> None:
    answer = httpx2.post(
        f"{base_url}/api/alice/tickets", json={"subject": subject}, headers=_bearer(token)
    )
    assert answer.status_code == 201, answer.text


def _subjects(base_url: str, token: str) -> list[str]:
    answer = httpx2.get(f"{base_url}/api/alice/tickets", headers=_bearer(token))
    return [ticket["subject"] for ticket in answer.json()["data"]]


@pytest.mark.slow
def test_lives_ends_and_comes_back(folder: Path) -> None:
    """Empty folder, Ctrl-C, `kill -9`, a fresh start: one after the other, on the same data."""
    token = _token(folder)
    with LocalProcess(folder, *TICKETS) as system:
        assert "scripted model" in system.output
        _open_ticket(system.endpoints["tickets"], token, "پرنٹر خراب")
        children = system.children()
        assert len(children) > 5
        assert system.signal(signal.SIGINT) == 0
        assert wait_gone(children) == []
        assert not (folder / "endpoints.json").exists()
        assert "Traceback" not in system.output

    system = LocalProcess(folder, *TICKETS)
    system.start()
    assert _subjects(system.endpoints["tickets"], token) == ["پرنٹر خراب"]
    _open_ticket(system.endpoints["tickets"], token, "second")
    children = system.children()
    postgres = postgres_processes(folder)
    assert postgres
    system.signal(signal.SIGKILL)
    survivors = wait_gone([child for child in children if child not in postgres])
    assert survivors == []
    assert (folder / "endpoints.json").exists()
    assert "No local system runs" in run("chat", "hello", "--folder", folder).stderr

    with LocalProcess(folder, *TICKETS) as system:
        assert sorted(_subjects(system.endpoints["tickets"], token)) == ["second", "پرنٹر خراب"]
        children = system.children()
        assert system.signal(signal.SIGTERM, times=2) == 0
        assert wait_gone(children) == []
        assert postgres_processes(folder) == []

    with LocalProcess(folder, *TICKETS, "--fresh", "--freeze") as system:
        assert _subjects(system.endpoints["tickets"], token) == []
        said = run("chat", "hello", "--folder", folder)
        assert said.returncode == 0, said.stderr
        second = run("local", *TICKETS, "--folder", folder)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        states = {child.status() for child in system.children()}
        assert psutil.STATUS_STOPPED in states


@pytest.mark.slow
def test_works_where_the_native_client_is_missing(
    folder: Path, python_without_native_client: str
) -> None:
    with LocalProcess(folder, *TICKETS, python=python_without_native_client):
        said = run("chat", open_all("printer"), "--folder", folder)
        assert said.returncode == 0, said.stderr
        assert "I opened “printer”." in said.stdout
        checked = run("doctor", "--folder", folder)
        assert checked.returncode == 0, checked.stdout


def _token(folder: Path) -> str:
    done = run("token", "alice", "--folder", folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_signal_during_start_leaves_nothing(folder: Path) -> None:
    system = LocalProcess(folder, *TICKETS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalProcess, "_is_ready", lambda _self: bool(postgres_processes(folder)))
        system.start()
    children = system.children()
    assert system.signal(signal.SIGINT) == 0
    assert wait_gone(children) == []
    assert postgres_processes(folder) == []
    assert "Traceback" not in system.output


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def _port_before_a_free_one() -> int:
    """A free port with a free one after it, outside of those that connections are given."""
    for port in range(20_000, 30_000, 2):
        with contextlib.suppress(OSError):
            for number in (port, port + 1):
                socket.create_server(("0.0.0.0", number)).close()  # noqa: S104
            return port
    raise AssertionError("no two free ports in a row")


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", *(["::1"] if _has_ipv6() else [])])  # noqa: S104
def test_in_place_of_a_taken_port_the_next_free_one_is_used(address: str) -> None:
    said: list[str] = []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    port = _port_before_a_free_one()
    with socket.create_server((address, port), family=family):
        options = LocalOptions(chat_port=port, tools_port=port + 1, web_port=port)
        found = on_free_ports(options, said.append)
        assert found.chat_port > port + 1
        assert (found.tools_port, found.web_port) == (port + 1, port)
        assert f"Port {port} is taken: {found.chat_port} is used" in said[0]
        with_page = on_free_ports(replace(options, web=True), said.append)
    assert len({with_page.chat_port, with_page.tools_port, with_page.web_port, port}) == 4
    # Each flag that a message names is one that the command takes.
    taken_flags = run("local", "--help", env={"COLUMNS": "200"}).stdout
    flags = [flag for sentence in said for flag in re.findall(r"--[a-z-]+", sentence)]
    assert set(flags) == {"--chat-port", "--web-port"}
    assert all(flag in taken_flags for flag in flags)


def test_ports_that_are_free_or_any_stay_as_they_are() -> None:
    options = LocalOptions(chat_port=0, tools_port=0, web_port=0, web=True)
    assert on_free_ports(options, pytest.fail) == options


@pytest.mark.slow
def test_another_domain(folder: Path) -> None:
    """It has its own function, tables and place in endpoints.json, and no other domain is there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ("--domain", "tests.local.cities", "--web", "--chat-port", str(port))
        with LocalProcess(folder, *arguments) as system:
            endpoints = system.endpoints
            assert f"Port {port} is taken" in system.output
            assert "The page is none of the cities, so it is left out." in system.output
            assert endpoints["web"] is None
            assert "tickets" not in endpoints
            assert httpx2.get(f"{endpoints['cities']}/healthz").json() == {"served": "cities"}
            with psycopg.connect(endpoints["database_url"]) as owner:
                tables = owner.execute("select to_regclass('cities'), to_regclass('tickets')")
                assert tables.fetchone() == ("cities", None)
            assert (folder / "logs" / "cities.log").exists()
            said = run("migrate", "--folder", folder, "--rollback", "1")
            assert said.stdout == "Undid 0001_cities\n", said.stderr
            checked = run("doctor", "--folder", folder).stdout
            assert re.search(r"failed +migrations +Run `sidestream migrate`: 0001_cities", checked)
            assert run("migrate", "--folder", folder).stdout == "Applied 0001_cities\n"
            checked = run("doctor", "--folder", folder).stdout
            assert re.search(r"ok +migrations ", checked), checked
            assert re.search(r"ok +tools +All 1 tools", checked), checked


@pytest.mark.parametrize("package", ["examples.nowhere", "sidestream.store"])
def test_a_domain_that_is_not_there_is_said_before_anything_starts(
    folder: Path, package: str
) -> None:
    for command in ("local", "migrate"):
        url = ("--url", "postgresql://a:b@127.0.0.1:9/x") if command == "migrate" else ()
        done = run(command, *url, "--folder", folder, "--domain", package)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert f"DOMAIN is {package}, which has no pack" in done.stderr
    assert not (folder / "postgres").exists()


def test_a_pack_that_does_not_fit_is_said_by_every_command(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "examples" / "tickets", tmp_path / "misfit")
    pack = tmp_path / "misfit" / "pack.py"
    source = pack.read_text(encoding="utf-8")
    pack.write_text(source.replace('"add_ticket": Tool(', '"open_ticket": Tool('), encoding="utf-8")
    env = {
        "PYTHONPATH": f"{tmp_path}:{PROJECT}",
        "DOMAIN": "misfit",
        "DATABASE_URL": "postgresql://a:b@127.0.0.1:9/x",
        "TOOLS_MCP_URL": "http://127.0.0.1:9/mcp",
        "TOOL_SIGNING_KEY": "k" * 32,
        "SESSION_SIGNING_KEY": "k" * 32,
        "AUTH_ISSUERS": "[]",
    }
    sentence = (
        "The pack of the domain tickets does not fit its tools: "
        "it describes the tool open_ticket, which the server does not list."
    )
    for command in (
        ("local", "--folder", tmp_path / "local"),
        ("migrate", "--url", env["DATABASE_URL"]),
        ("doctor", "--url", "http://127.0.0.1:9", "--token", "t"),
    ):
        done = run(*command, env={**env, "COLUMNS": "400"})
        assert done.returncode == 1
        assert sentence in done.stdout + done.stderr, command
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "local" / "postgres").exists()
    check = [sys.executable, "-m", "sidestream.tool_server.manifest", "--check", "misfit"]
    done = subprocess.run(check, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{sentence}\n")


async def test_token_is_accepted_by_both_functions(system: LocalSystem) -> None:
    token = system.token("alice")
    async with httpx2.AsyncClient(headers=_bearer(token)) as client:
        tools = await client.get(f"{system.tools.url}/api/alice/tickets")
        chat = await client.post(
            f"{system.chat.url}/api/chatkit", json={"type": "threads.list", "params": {}}
        )
        foreign = await client.get(f"{system.tools.url}/api/bob/tickets")
    assert (tools.status_code, chat.status_code, foreign.status_code) == (200, 200, 403)


async def test_token_of_another_system_is_refused(system: LocalSystem, tmp_path: Path) -> None:
    token = sign_in.mint(tmp_path, "alice")
    async with httpx2.AsyncClient(headers=_bearer(token)) as client:
        answer = await client.get(f"{system.tools.url}/api/alice/tickets")
    assert answer.status_code == 401


async def test_expired_token_is_refused(system: LocalSystem) -> None:
    token = sign_in.mint(system.options.folder, "alice", ttl_s=-60)
    async with httpx2.AsyncClient(headers=_bearer(token)) as client:
        answer = await client.get(f"{system.tools.url}/api/alice/tickets")
    assert answer.status_code == 401


async def test_sign_in_publishes_its_public_key_alone(system: LocalSystem) -> None:
    async with httpx2.AsyncClient(base_url=system.endpoints.auth) as client:
        answer = await client.get(sign_in.JWKS_PATH)
        elsewhere = await client.get("/")
        posted = await client.post(sign_in.JWKS_PATH)
    assert set(answer.json()["keys"][0]) == {"kty", "crv", "use", "alg", "kid", "x"}
    key = jwt.PyJWK(answer.json()["keys"][0])
    claims = jwt.decode(system.token("بشریٰ"), key, algorithms=["EdDSA"], audience=sign_in.AUDIENCE)
    assert claims["sub"] == "بشریٰ"
    assert (elsewhere.status_code, posted.status_code) == (404, 404)


async def test_endpoints_file_says_where_everything_is(system: LocalSystem) -> None:
    path = system.options.folder / "endpoints.json"
    assert path.stat().st_mode & 0o077 == 0
    endpoints = system.endpoints
    assert (endpoints.chat, endpoints.tools) == (system.chat.url, system.tools.url)
    assert json.loads(path.read_text())["tickets"] == endpoints.tools
    assert Endpoints.read(system.options.folder) == endpoints
    assert endpoints.web is None
    assert endpoints.pids["sidestream"] == os.getpid()
    async with httpx2.AsyncClient() as client:
        for base_url in (endpoints.chat, endpoints.tools):
            answer = await client.get(f"{base_url}/healthz")
            assert answer.status_code == 200
        bucket = await client.head(f"{endpoints.aws}/sidestream-local")
        assert bucket.status_code == 200
        models = await client.get(f"{endpoints.model}/models", headers=_bearer("any"))
        assert models.status_code == 200
    for url in (endpoints.database_url, endpoints.app_database_url):
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute("select count(*) from tickets")


@pytest.mark.parametrize("function", ["chat", "tools"])
async def test_cors_is_answered_by_the_url_alone(system: LocalSystem, function: str) -> None:
    base_url = getattr(system, function).url
    origin = getattr(system, function).spec.cors.allow_origins[0]
    async with httpx2.AsyncClient(base_url=base_url, headers={"Origin": origin}) as client:
        preflight = await client.options(
            "/api/chatkit",
            headers={
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
            },
        )
        answer = await client.get("/healthz")
        stranger = await client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert preflight.headers["access-control-allow-origin"] == origin
    assert answer.headers.get_list("access-control-allow-origin") == [origin]
    assert "access-control-allow-origin" not in stranger.headers
