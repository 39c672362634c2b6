"""The system in the shells that people have: what stands there for other programs does not count.

Each list holds settings that go together, so that one start tries them all; when that fails, they
are tried one by one to name the one to blame.
"""

import asyncio
import contextlib
import os
import shutil
import ssl
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sidestream.local.environment import base, forget_libpq, outward
from sidestream.local.model import ModelSettings, ScriptedModelServer
from tests.command import LocalProcess, postgres_processes, run
from tests.tickets import PACKAGE, open_all

type Shell = dict[str, str]

DEAD = "127.0.0.1:9"
MODEL = ModelSettings(delay_ms=0)
TICKETS = ("--domain", PACKAGE)
SAID, SHOWN = open_all("printer"), "Open a ticket: printer"
FAILING: tuple[Shell, ...] = (
    {"HTTP_PROXY": f"http://{DEAD}", "HTTPS_PROXY": f"http://{DEAD}", "NO_PROXY": ""},
    {"ALL_PROXY": f"socks5://{DEAD}"},
    {"PGSSLMODE": "require"},
    {"PGSERVICE": "none"},
    {"PGHOST": "db.invalid", "PGHOSTADDR": "127.0.0.9", "PGPORT": "9"},
    {"PGUSER": "nobody", "PGPASSWORD": "none", "PGDATABASE": "none"},
    {"PGOPTIONS": "-c search_path=none"},
    {"PGTARGETSESSIONATTRS": "standby", "PGCONNECT_TIMEOUT": "none"},
    {"AWS_PROFILE": "work-not-here"},
    {"AWS_RETRY_MODE": "none", "AWS_MAX_ATTEMPTS": "none", "AWS_DEFAULTS_MODE": "none"},
    {"SSL_CERT_FILE": "/not/here.pem"},
    {"PYTHONIOENCODING": "latin-1"},
    {"DOMAIN": "corp.example.com"},
)
"""What other programs' settings can do to one that listens to all of them."""

ODD: tuple[Shell, ...] = (
    {"all_proxy": "socks://127.0.0.1:9", "no_proxy": "example.com"},  # as GNOME writes it
    {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/not/here.pem", "PGGSSENCMODE": "require"},
    {"PGAPPNAME": "x", "PGTZ": "Mars", "PGDATESTYLE": "German", "PGCLIENTENCODING": "LATIN1"},
    {"AWS_REGION": "", "AWS_USE_FIPS_ENDPOINT": "true", "AWS_ENDPOINT_URL": f"http://{DEAD}"},
    {"AWS_ACCESS_KEY_ID": "theirs", "AWS_LAMBDA_FUNCTION_NAME": "x", "AWS_CA_BUNDLE": "/no"},
    {"POWERTOOLS_TRACE_DISABLED": "no", "POWERTOOLS_LOG_LEVEL": "none", "LOG_LEVEL": "none"},
    {"OPENAI_ORG_ID": "x", "OPENAI_BASE_URL": f"http://{DEAD}", "OPENAI_API_KEY": ""},
    {"DATABASE_URL": "none", "STAGE": "x", "TOOLS_MCP_URL": "none"},
    {"PORT": "9", "HOST": "x", "NODE_ENV": "production", "NODE_OPTIONS": "--none"},
    {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Mars/None"},
)
"""What has always been harmless, and more of the same kinds."""


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder for a system, which root's Postgres can enter, with a name as people choose them."""
    path = Path(tempfile.mkdtemp(prefix="sidestream-shell-"))
    path.chmod(0o755)
    try:
        yield path / "Bücher und کتابیں"
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _troubles(shell: Shell, umask: int = -1) -> list[str]:
    """What does not work in a shell: the system's start, a message, `doctor`, the figures."""
    with _folder() as folder:
        local = LocalProcess(folder, *TICKETS, "--model-delay-ms", "0", env=shell, umask=umask)
        try:
            with local:
                troubles = list(_in_the_same_shell(folder, shell))
        except AssertionError as error:
            return [f"start: {error}"]
        assert postgres_processes(folder) == []
        return [*troubles, *(["traceback: " + local.output] * ("Traceback" in local.output))]


def _in_the_same_shell(folder: Path, shell: Shell) -> Iterator[str]:
    where = ("--folder", folder)
    chat = run("chat", SAID, *where, env=shell)
    if chat.returncode or SHOWN not in chat.stdout:
        yield f"chat: {chat.stdout}{chat.stderr}"
    doctor = run("doctor", "--origin", "http://localhost:3000", *where, env=shell)
    wrong = [line for line in doctor.stdout.splitlines() if line.startswith("failed")]
    # Without the page, its origin is not known.
    if [line for line in wrong if "origin" not in line] or doctor.stderr:
        yield f"doctor: {doctor.stdout}{doctor.stderr}"
    migrate = run("migrate", *where, env=shell)
    if "up to date" not in migrate.stdout:
        yield f"migrate: {migrate.stdout}{migrate.stderr}"
    deadline = time.monotonic() + 30
    while "p90" not in (figures := run("ttft", "--cloudwatch", *where, env=shell)).stdout:
        if time.monotonic() > deadline:
            yield f"figures: {figures.stdout}{figures.stderr}"
            return
        time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("shells", "umask"), [(FAILING, 0o077), (ODD, -1)], ids=["failing", "odd"])
def test_it_works_in_every_shell(shells: tuple[Shell, ...], umask: int) -> None:
    together: Shell = {name: value for shell in shells for name, value in shell.items()}
    if troubles := _troubles(together, umask):
        blamed = {str(shell): found for shell in shells if (found := _troubles(shell))}
        pytest.fail(str(blamed or troubles))


class _Relay:
    """A person's proxy: passes whatever is asked of it to one server, and notes for which host.
    With a certificate it is a server with TLS instead."""

    def __init__(self, target: str, certificate: Path | None = None) -> None:
        self.hosts: set[str] = set()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                relay.hosts.add(str(urlsplit(self.path).hostname))
                body = self.rfile.read(int(self.headers["content-length"]))
                path = urlsplit(self.path).path.removeprefix("/v1")
                headers = {"authorization": "Bearer k", "content-type": "application/json"}
                answer = httpx2.post(target + path, content=body, headers=headers, timeout=60)
                self.send_response(answer.status_code)
                self.send_header("content-type", answer.headers["content-type"])
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> "_Relay":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.slow
async def test_a_model_of_ones_own_is_reached_through_the_proxy_and_nothing_else_is() -> None:
    async with ScriptedModelServer(MODEL) as model:
        with _Relay(model.base_url) as proxy:
            shell = {
                "OPENAI_API_KEY": "k",
                "OPENAI_BASE_URL": "http://model.invalid/v1",
                "HTTP_PROXY": f"http://127.0.0.1:{proxy.port}",
                "NO_PROXY": "example.com",
            }
            said = await asyncio.to_thread(_say, shell)
    assert SHOWN in said
    assert proxy.hosts == {"model.invalid"}


def _say(shell: Shell) -> str:
    with _folder() as folder, LocalProcess(folder, *TICKETS, env=shell):
        return run("chat", SAID, "--folder", folder, env=shell).stdout


@pytest.mark.slow
async def test_a_model_behind_a_companys_own_root_certificate(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    async with ScriptedModelServer(MODEL) as model:
        with _Relay(model.base_url, certificate) as provider:
            shell = {
                "OPENAI_API_KEY": "k",
                "OPENAI_BASE_URL": f"https://localhost:{provider.port}/v1",
                "SSL_CERT_FILE": str(certificate),
            }
            said = await asyncio.to_thread(_say, shell)
    assert SHOWN in said


def _certificate(folder: Path) -> Path:
    """A file with a key and a certificate of localhost, which is its own root."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(pem, form, serialization.NoEncryption())
    path = folder / "company.pem"
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path


@pytest.mark.parametrize("proxy", ["socks://127.0.0.1:1", "ftp://h", "http://h:port"])
def test_a_proxy_that_cannot_be_used_is_a_sentence(tmp_path: Path, proxy: str) -> None:
    shell = {"OPENAI_API_KEY": "k", "ALL_PROXY": proxy.replace("//", "//user:s3cret@")}
    for command in (
        ("local", "--folder", tmp_path),
        ("chat", "hello", "--url", "https://chat.invalid", "--token", "t"),
    ):
        done = run(*command, env=shell)
        assert done.returncode == 1
        assert done.stderr.startswith("sidestream: The proxy in HTTP_PROXY"), done.stderr
        assert "s3cret" not in done.stderr


def test_a_setting_of_ones_own_that_is_not_valid_is_named_on_the_screen() -> None:
    ports = ("--chat-port", "0", "--tools-port", "0")
    with _folder() as folder:
        done = run("local", "--folder", folder, *ports, env={"MAX_TURNS": "none"})
    assert done.returncode == 1
    assert "The setting MAX_TURNS is not valid" in done.stdout
    assert "ChatFunction does not work" in done.stderr


def test_what_a_function_gets_of_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "company.pem"
    certificate.touch()
    for name, value in {
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "example.com",
        "SSL_CERT_FILE": str(certificate),
        "SSL_CERT_DIR": "/not/here",
        "NODE_ENV": "production",
        "PGHOST": "db",
    }.items():
        monkeypatch.setenv(name, value)
    assert outward() == {
        "HTTPS_PROXY": "http://proxy:3128",
        "NO_PROXY": "example.com,localhost,127.0.0.1,::1",
        "SSL_CERT_FILE": str(certificate),
    }
    assert not {"NODE_ENV", "PGHOST", "HTTPS_PROXY"} & base().keys()


def test_of_libpqs_variables_those_that_secure_a_named_database_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = {
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca",
        "PGPASSWORD": "p",
        "PGPASSFILE": "f",
    }
    lost = {"PGHOST": "h", "PGHOSTADDR": "::1", "PGSERVICE": "s", "PGOPTIONS": "-c x=1"}
    for name, value in (kept | lost).items():
        monkeypatch.setenv(name, value)
    forget_libpq()
    assert {name: value for name, value in os.environ.items() if name.startswith("PG")} == kept
