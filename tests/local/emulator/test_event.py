"""A function without a URL, invoked with an event as a schedule does."""

import sys
from dataclasses import replace

import psutil  # type: ignore[import-untyped]
import pytest

from sidestream.local.emulator import EventFailed, FunctionSpec, invoke
from tests.local.emulator.support import BUFFERED

SPEC: FunctionSpec = replace(
    BUFFERED,
    command=(sys.executable, "-m", "sidestream.local.managed_runtime", "handlers.echo"),
    handler="handlers.echo",
)


def failing() -> FunctionSpec:
    return replace(SPEC, command=(*SPEC.command[:-1], "handlers.fail"), handler="handlers.fail")


async def test_what_it_returns_is_given() -> None:
    lines: list[str] = []
    answer = await invoke(SPEC, {"source": "aws.events"}, lines.append)
    assert answer["statusCode"] == 201
    assert '"source": "aws.events"' in answer["body"]
    assert any(line.startswith('{"_aws"') for line in lines)
    assert not [p for p in psutil.Process().children(recursive=True) if "handlers" in _line(p)]


async def test_an_exception_is_a_failure() -> None:
    lines: list[str] = []
    with pytest.raises(EventFailed):
        await invoke(failing(), {}, lines.append)
    assert any("not today" in line for line in lines)


async def test_one_that_does_not_start_is_a_failure() -> None:
    missing = replace(SPEC, command=(sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(EventFailed):
        await invoke(missing, {}, lambda _line: None)


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
