"""The container engine of this machine, and how its containers reach this machine's loopback.

Where the engine lives in a virtual machine (Docker Desktop, Finch and the like on macOS), that
brings its containers to loopback under a name of its own. On Linux containers see the host at the
gateway of their bridge, where nothing of ours listens: a gate has to be opened there (`gate.py`).
"""

import http.client
import json
import os
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any, Final

_TIMEOUT_S: Final = 3.0
_MAX_BYTES: Final = 1_000_000
_DOCKER: Final = "/var/run/docker.sock"
_FINCH: Final = (
    "/Applications/Finch/lima/data/finch/sock/finch.sock"
    if sys.platform == "darwin"
    else "/var/run/finch.sock"
)
_MACHINES_HOST: Final = "host.docker.internal"
_LIMAS_HOST: Final = "192.168.5.2"


class EngineError(Exception):
    """Containers cannot reach this machine. The text says why, for the person."""


@dataclass(frozen=True, slots=True)
class ContainerHost:
    """This machine as its containers see it: `address`, and the network that they are in if a gate
    has to be opened for them there."""

    address: str
    network: IPv4Network | None = None


def engine_socket(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Give the socket of the engine that the SAM CLI would take: the one that `DOCKER_HOST` names,
    Docker's, or Finch's. None when there is none on this machine."""
    given = environment.get("DOCKER_HOST", "")
    if given:
        path = Path(given.removeprefix("unix://"))
        return path if given.startswith("unix://") and _is_socket(path) else None
    own = Path.home() / ".docker/run/docker.sock"
    return next((path for path in (Path(_DOCKER), own, Path(_FINCH)) if _is_socket(path)), None)


def container_host(path: Path) -> ContainerHost | None:
    """Ask the engine of a socket how its containers see this machine. None when it does not answer.

    Raises `EngineError` when they do not.
    """
    engine = _Engine(path)
    try:
        info = engine.get("/info")
        if machine := _of_a_machine(info, path):
            return machine
        if any("rootless" in str(option) for option in info.get("SecurityOptions") or ()):
            raise EngineError("the container engine runs rootless, and hides this machine")
        return _of_the_bridge(engine.get("/networks/bridge"))
    except (http.client.HTTPException, OSError, ValueError):
        return None
    finally:
        engine.close()


class _Engine(http.client.HTTPConnection):
    """The Docker API of an engine."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(str(self._path))

    def get(self, target: str) -> dict[str, Any]:
        """Give the document at a target. Raises `OSError`, `HTTPException` and `ValueError`."""
        self.request("GET", target)
        response = self.getresponse()
        document = json.loads(response.read(_MAX_BYTES))
        if response.status != http.HTTPStatus.OK or not isinstance(document, dict):
            raise ValueError(target)
        return document


def _of_a_machine(info: Mapping[str, Any], path: Path) -> ContainerHost | None:
    if "finch" in str(path) and sys.platform == "darwin":
        return ContainerHost(_LIMAS_HOST)
    if sys.platform == "darwin" or info.get("OperatingSystem") == "Docker Desktop":
        return ContainerHost(_MACHINES_HOST)
    return None


def _of_the_bridge(bridge: Mapping[str, Any]) -> ContainerHost:
    for subnet, gateway in _subnets(bridge):
        return ContainerHost(gateway or str(next(subnet.hosts())), subnet)
    raise EngineError("the container engine's bridge has no IPv4 network")


def _subnets(bridge: Mapping[str, Any]) -> Iterator[tuple[IPv4Network, str]]:
    for entry in (bridge.get("IPAM") or {}).get("Config") or ():
        subnet = ip_network(entry["Subnet"])
        if isinstance(subnet, IPv4Network):
            yield subnet, entry.get("Gateway", "")


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
