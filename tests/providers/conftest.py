"""The servers, each started once, and a chat that uses one of them."""

import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest

from sidestream.local.ports import free_port
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.client import Client
from tests.chat.until import until
from tests.chat.variants import chat_function

HERE: Final = Path(__file__).parent
TOOLS: Final = HERE.parents[1] / ".tools"
APIS: Final = ("chat_completions", "responses")
KEY: Final = "sk-none"
_START_S: Final = 120


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server that runs: its base URL, with `/v1`, and what it has printed so far."""

    url: str
    output: Path

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.output.read_text(errors="replace")


type Chat = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """Each of the two APIs that a provider may speak."""
    return str(request.param)


@pytest.fixture
def chat(system: LocalSystem, api: str) -> Chat:
    """A person at a chat whose model is one of the servers'."""

    @asynccontextmanager
    async def talk(server: ModelServer, model: str, **settings: str) -> AsyncIterator[Client]:
        environment = {
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": KEY,
            "MODEL": model,
            "MODEL_API": api,
            "SCRIPTED_MODEL": "",
            **settings,
        }
        async with (
            chat_function(system, timeout_s=300, **environment) as function,
            Client(function.url, system.token(new_id("user"))) as person,
        ):
            yield person

    return talk


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """llama.cpp's server (xllamacpp) with SmolLM2, a model of 135 million parameters."""
    with _llama(tmp_path_factory.mktemp("llama")) as server:
        yield server


@pytest.fixture
def endless_llama(tmp_path: Path) -> Iterator[ModelServer]:
    """The same, talking until it is stopped."""
    with _llama(tmp_path, "--endless") as server:
        yield server


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """CopilotKit's double of providers, which answers as `aimock.json` says."""
    program = _installed("aimock", "node_modules/@copilotkit/aimock/dist/cli.js")
    port = free_port()
    command = ["node", str(program), "--port", str(port), "--fixtures", str(HERE / "aimock.json")]
    with _running(
        [*command, "--strict", "--latency", "5"], port, tmp_path_factory.mktemp("aimock"), "/health"
    ) as server:
        yield server


@pytest.fixture(scope="session")
def litellm(aimock: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """LiteLLM's proxy in front of the double, whose Chat Completions it makes both APIs of."""
    program = _installed("litellm", "bin/litellm")
    folder = tmp_path_factory.mktemp("litellm")
    behind = {"model": "openai/double", "api_base": aimock.url, "api_key": "none"}
    config = folder / "config.yaml"  # YAML has JSON in it
    models = [{"model_name": "m", "litellm_params": behind}]
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
    port = free_port()
    command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, port, folder, "/health/liveliness") as server:
        yield server


@contextmanager
def _llama(folder: Path, *options: str) -> Iterator[ModelServer]:
    python = _installed("llama", "bin/python")
    port = free_port()
    command = [str(python), str(HERE / "llama_server.py"), str(port), *options]
    with _running(command, port, folder, "/health") as server:
        yield server


def _installed(name: str, program: str) -> Path:
    path = TOOLS / name / program
    if not path.exists():
        sentence = f"{name} is not installed: scripts/model-servers {name} does it."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


@contextmanager
def _running(command: list[str], port: int, folder: Path, health: str) -> Iterator[ModelServer]:
    server = ModelServer(f"http://127.0.0.1:{port}/v1", folder / "output")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    kept["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the internet for prices
    with server.output.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=kept, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + _START_S
        while not _answers(f"http://127.0.0.1:{port}{health}"):
            assert process.poll() is None, server.log
            assert time.monotonic() < deadline, server.log
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).is_success
    except httpx2.HTTPError:
        return False


async def until_logged(server: ModelServer, words: str) -> None:
    """Wait until a server has printed some words."""

    async def seen() -> bool:
        return words in server.log

    await until(seen)
