"""How containers reach this machine: what an engine says, and the gate that opens for them."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from sidestream.local.engine import ContainerHost, EngineError, container_host, engine_socket
from sidestream.local.functions import Backends
from sidestream.local.gate import Gate
from sidestream.local.keys import LocalKeys
from sidestream.local.sam import SamLocal
from sidestream.local.settings import LocalOptions, load_domain
from sidestream.store.encryption import encrypted

type Answers = Mapping[str, Mapping[str, Any]]

LOOPBACK = IPv4Network("127.0.0.0/8")
BRIDGE = {"IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]}}
"""What Docker 28 says on Linux."""
BOTH = {
    "IPAM": {
        "Config": [
            {"Subnet": "fd00:1::/64", "Gateway": "fd00:1::1"},
            {"Subnet": "10.88.0.0/16", "Gateway": "10.88.0.1"},
        ]
    }
}
NO_GATEWAY = {"IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}}


@asynccontextmanager
async def engine(folder: Path, answers: Answers) -> AsyncIterator[Path]:
    """An engine's API on a socket, as far as it is asked."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        document = answers.get(head.split(b" ")[1].decode())
        status = "404 Not Found" if document is None else "200 OK"
        body = json.dumps(document or {"message": "no such thing"})
        writer.write(f"HTTP/1.1 {status}\r\nconnection: close\r\n\r\n{body}".encode())
        writer.close()
        await writer.wait_closed()

    path = folder / "engine.sock"
    server = await asyncio.start_unix_server(answer, path)
    try:
        yield path
    finally:
        server.close()


async def asked(folder: Path, answers: Answers) -> ContainerHost | None:
    async with engine(folder, answers) as path:
        return await asyncio.to_thread(container_host, path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere engines run in a virtual machine")
@pytest.mark.parametrize(
    ("bridge", "address", "network"),
    [
        (BRIDGE, "172.17.0.1", "172.17.0.0/16"),
        (BOTH, "10.88.0.1", "10.88.0.0/16"),
        (NO_GATEWAY, "172.17.0.1", "172.17.0.0/16"),
    ],
)
async def test_on_linux_it_is_the_bridges_gateway(
    tmp_path: Path, bridge: Mapping[str, Any], address: str, network: str
) -> None:
    info = {"OperatingSystem": "Debian GNU/Linux 12", "SecurityOptions": ["name=seccomp"]}
    host = await asked(tmp_path, {"/info": info, "/networks/bridge": bridge})
    assert host == ContainerHost(address, IPv4Network(network))


async def test_a_machine_brings_its_containers_to_loopback(tmp_path: Path) -> None:
    host = await asked(tmp_path, {"/info": {"OperatingSystem": "Docker Desktop"}})
    assert host == ContainerHost("host.docker.internal")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere engines run in a virtual machine")
@pytest.mark.parametrize(
    ("info", "bridge"),
    [
        ({"SecurityOptions": ["name=seccomp", "name=rootless"]}, BRIDGE),
        ({"SecurityOptions": None}, {"IPAM": {"Config": None}}),
    ],
)
async def test_what_hides_this_machine_is_said(
    tmp_path: Path, info: Mapping[str, Any], bridge: Mapping[str, Any]
) -> None:
    with pytest.raises(EngineError):
        await asked(tmp_path, {"/info": info, "/networks/bridge": bridge})


async def test_no_engine_is_no_error(tmp_path: Path) -> None:
    assert await asked(tmp_path, {}) is None
    assert await asyncio.to_thread(container_host, tmp_path / "none.sock") is None


@pytest.mark.parametrize(
    "info",
    [
        {"OperatingSystem": "Docker Desktop"},
        pytest.param(
            {"OperatingSystem": "Debian GNU/Linux 12"},
            marks=pytest.mark.skipif(sys.platform != "linux", reason="a machine's engine"),
        ),
    ],
    ids=str,
)
async def test_a_containers_database_is_the_one_here_which_has_no_tls(
    tmp_path: Path, info: Mapping[str, Any]
) -> None:
    """Its address is not loopback, where nothing would have to be said."""
    kept: dict[str, str] = {}
    here = "http://127.0.0.1:1"
    backends = Backends("postgresql://app:p%40ss@127.0.0.1:5432/d", here, here, here, page_port=0)
    async with engine(tmp_path, {"/info": info, "/networks/bridge": BRIDGE}) as path:
        options = LocalOptions(folder=tmp_path / "local", engine=path)
        (tmp_path / "local/sam").mkdir(parents=True)
        keys = LocalKeys.of(options.folder)

        def keep(name: str, text: str) -> str:
            kept[name] = text
            return f"arn:{name}"

        sam = SamLocal(options, keys, backends, keep, print)
        try:
            await sam.start(load_domain(options.domain), f"{here}/mcp")
        finally:
            await sam.stop()
    database = kept["sam-local/DATABASE_URL"]
    found = conninfo_to_dict(encrypted(database))
    assert found["sslmode"] == "disable"
    assert (found["user"], found["password"], found["dbname"]) == ("app", "p@ss", "d")
    assert found["host"] in ("host.docker.internal", "172.17.0.1")


def test_docker_host_names_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert engine_socket({"DOCKER_HOST": f"unix://{path}"}) == path
    assert engine_socket({"DOCKER_HOST": f"unix://{tmp_path}/none"}) is None
    assert engine_socket({"DOCKER_HOST": "tcp://192.0.2.1:2375"}) is None


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server on loopback that says again what it hears, and then ends."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def heard(port: int, said: bytes = b"") -> bytes:
    """What comes back from the gate's side, nothing from where a connection is refused."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.2", port)
        try:
            writer.write(said)
            writer.write_eof()
            return await reader.read()
        finally:
            writer.close()
    except ConnectionError:
        return b""


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@asynccontextmanager
async def gate(host: ContainerHost) -> AsyncIterator[Callable[[str], Any]]:
    opened = Gate(host)
    try:
        yield opened.through
    finally:
        await opened.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no gate is opened")
class TestGate:
    async def test_it_passes_on_all_of_it_both_ways(self) -> None:
        said = bytes(range(256)) * 4_000
        async with echo() as port, gate(ContainerHost("127.0.0.2", LOOPBACK)) as through:
            url = await through(f"postgresql://me:p%40ss@127.0.0.1:{port}/db?x=1")
            assert port_of(url) != port
            assert url == f"postgresql://me:p%40ss@127.0.0.2:{port_of(url)}/db?x=1"
            assert await heard(port_of(url), said) == said

    async def test_it_is_shut_to_everybody_else(self) -> None:
        other = IPv4Network("10.88.0.0/16")
        async with echo() as port, gate(ContainerHost("127.0.0.2", other)) as through:
            url = await through(f"http://127.0.0.1:{port}")
            assert await heard(port_of(url), b"hello") == b""

    async def test_what_does_not_listen_ends_the_connection(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            async with gate(ContainerHost("127.0.0.2", LOOPBACK)) as through:
                url = await through(f"http://127.0.0.1:{port}")
                assert await heard(port_of(url), b"hello") == b""

    async def test_it_closes_with_its_connections(self) -> None:
        opened = Gate(ContainerHost("127.0.0.2", LOOPBACK))
        async with echo() as port:
            url = await opened.through(f"http://127.0.0.1:{port}")
            reader, writer = await asyncio.open_connection("127.0.0.2", port_of(url))
            writer.write(b"half a")
            await opened.close()
            try:
                assert await reader.read() == b""
            except ConnectionError:
                pass
            finally:
                writer.close()
            assert await heard(port_of(url), b"hello") == b""


async def test_a_name_of_a_machine_needs_no_gate() -> None:
    async with gate(ContainerHost("host.docker.internal")) as through:
        assert await through("http://127.0.0.1:81/v1") == "http://host.docker.internal:81/v1"
