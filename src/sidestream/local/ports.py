"""Ports that are free: any, or the next one in place of one that is taken."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from sidestream.local.errors import LocalSystemError
from sidestream.local.settings import LocalOptions

_PORTS: Final = 65_536
_WAIT_S: Final = 2.0  # a system that was killed lets go of its ports within this


def free_port() -> int:
    """Give a port of loopback that is free now, for servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def on_free_ports(options: LocalOptions, say: Callable[[str], None]) -> LocalOptions:
    """Give the options with ports that are free: the next one in place of one that is taken.

    Raises `LocalSystemError` when there is none.
    """
    names = ["chat_port", "tools_port", *(["web_port"] if options.web else [])]
    wanted = {name: int(getattr(options, name)) for name in names}
    ports: dict[str, Any] = {}
    for name, port in wanted.items():
        if port and (port in ports.values() or not _gets_free(port)):
            others = {*wanted.values(), *ports.values()}
            ports[name] = _next_free(port, others)
            flag = f"--{name.replace('_', '-')}"
            say(f"Port {port} is taken: {ports[name]} is used instead. {flag} chooses another.")
        else:
            ports[name] = port
    return replace(options, **ports)


def _gets_free(port: int) -> bool:
    deadline = time.monotonic() + _WAIT_S
    while not _is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _next_free(port: int, others: set[int]) -> int:
    for number in range(port + 1, _PORTS):
        if number not in others and _is_free(number):
            return number
    raise LocalSystemError(f"Port {port} is taken by another program, and so is each after it.")


def _is_free(port: int) -> bool:
    """Whether nobody listens there, on the other loopback address neither: a browser may take
    `localhost` for that. Asked by connecting, as macOS lets a port be taken beside a wildcard."""
    for address in ("127.0.0.1", "::1"):
        with suppress(OSError), socket.create_connection((address, port), timeout=1):
            return False
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
