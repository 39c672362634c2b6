"""The lean imports, each in a process of its own: what they leave out, and that it comes back."""

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import sys
from sidestream.chat.start.lean_imports import import_sdks
"""


def run(code: str) -> str:
    """Run a program and give what it prints."""
    program = PRELUDE + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_chat_is_imported_without_what_it_never_uses() -> None:
    """Fails when a new version of an SDK no longer bears it: the fallback would hide that."""
    printed = run("""
        assert import_sdks()
        import sidestream.chat.app
        unused = [
            "mcp", "mcp_types", "griffe._internal", "openai.lib.streaming.responses._events",
            "agents.sandbox.manifest", "fastapi.security.http", "cryptography.x509.name",
        ]
        print([name for name in unused if name in sys.modules])
    """)
    assert printed == "[]"


def test_the_scripted_turn_loads_nothing_of_it_either() -> None:
    printed = run("""
        import_sdks()
        import asyncio
        from sidestream.chat.start.warm_up import warm_up
        from sidestream.config import ChatSettings
        from examples.tickets.pack import DOMAIN
        for api in ("responses", "chat_completions"):
            asyncio.run(warm_up(ChatSettings(
                database_url="postgresql://x:y@127.0.0.1/x", tool_signing_key="t" * 32,
                session_signing_key="s" * 32, auth_issuers=(), model_api=api,
                tools_mcp_url="http://127.0.0.1/mcp",
            ), DOMAIN))
        unused = [
            "mcp", "griffe._internal", "pydantic.v1.main", "agents.sandbox.manifest",
            "fastapi.security.http", "cryptography.x509.name",
        ]
        print([name for name in unused if name in sys.modules])
    """)
    assert printed == "[]"


def test_the_sdks_own_mcp_servers_still_work() -> None:
    printed = run("""
        import_sdks()
        import asyncio
        from agents import Agent, RunContextWrapper
        from agents.mcp import MCPServerStreamableHttp
        import agents.agent, agents.mcp

        class Server(MCPServerStreamableHttp):
            async def list_tools(self, *args, **kwargs):
                from mcp_types import Tool
                return [Tool(name="found", input_schema={"type": "object", "properties": {}})]

        server = Server(params={"url": "http://127.0.0.1:1"})
        agent = Agent(name="a", mcp_servers=[server])
        tools = asyncio.run(agent.get_mcp_tools(RunContextWrapper(None)))
        print([tool.name for tool in tools], agents.mcp.__name__, "mcp" in sys.modules)
    """)
    assert printed == "['found'] agents.mcp True"


def test_all_of_mcp_util_is_there() -> None:
    printed = run("""
        import_sdks()
        from agents.mcp import MCPUtil
        print(MCPUtil.to_function_tool.__name__, hasattr(MCPUtil, "nothing"))
    """)
    assert printed == "to_function_tool False"


def test_the_environment_is_left_as_it_was() -> None:
    printed = run("""
        import os
        before = dict(os.environ)
        import_sdks()
        print(os.environ == before)
    """)
    assert printed == "True"


def test_function_tools_from_docstrings_still_work() -> None:
    printed = run("""
        import_sdks()
        from agents import function_tool

        @function_tool
        def greet(name: str) -> str:
            \"\"\"Greet somebody.

            Args:
                name: Whom to greet.
            \"\"\"
            return name

        print(greet.description, greet.params_json_schema["properties"]["name"]["description"])
    """)
    assert printed == "Greet somebody. Whom to greet."


def test_fastapis_security_and_its_document_still_work() -> None:
    printed = run("""
        assert import_sdks()
        from typing import Annotated
        from fastapi import Depends, FastAPI, Security
        from fastapi.security import HTTPBearer, SecurityScopes
        from fastapi.testclient import TestClient

        app = FastAPI()
        bearer = HTTPBearer()

        def scoped(scopes: SecurityScopes):
            return scopes.scopes

        @app.get("/")
        def read(
            token: Annotated[object, Depends(bearer)],
            scopes: Annotated[list[str], Security(scoped, scopes=["a"])],
        ):
            return [token.credentials, scopes]

        client = TestClient(app)
        answer = client.get("/", headers={"authorization": "Bearer t"})
        document = client.get("/openapi.json").json()
        print(answer.json(), client.get("/").status_code, list(document["components"]))
    """)
    assert printed == "['t', ['a']] 401 ['securitySchemes']"


def test_keys_in_certificates_still_work() -> None:
    printed = run("""
        assert import_sdks()
        import jwt.algorithms
        print("cryptography.x509.name" in sys.modules, jwt.algorithms.x509.Certificate.__name__)
    """)
    assert printed == "False Certificate"


def test_a_sandbox_is_said_to_be_left_out() -> None:
    printed = run("""
        assert import_sdks()
        from types import SimpleNamespace
        from agents.sandbox.runtime import SandboxRuntime
        for wanted in (
            "from agents.sandbox import SandboxAgent",
            "import agents.sandbox.sandbox_agent",
            "SandboxRuntime(run_config=SimpleNamespace(sandbox={}))",
        ):
            try:
                exec(wanted)
            except ImportError as error:
                print(error)
        print(hasattr(sys.modules["agents.sandbox"], "SandboxAgent"))
    """)
    assert printed.splitlines() == [
        "cannot import name 'SandboxAgent' from 'agents.sandbox' "
        "(<left out: see sidestream.chat.start.stand_ins>)",
        "No module named 'agents.sandbox.sandbox_agent'",
        "agents.sandbox is left out of this function: see sidestream.chat.start.stand_ins",
        "False",
    ]


def test_a_run_that_is_not_streamed_works_and_fails_as_ever() -> None:
    printed = run("""
        assert import_sdks()
        import asyncio
        from agents import (
            Agent, MaxTurnsExceeded, Model, ModelResponse, RunConfig, Runner, Usage, function_tool,
        )
        from openai.types.responses import ResponseFunctionToolCall

        @function_tool
        def look() -> str:
            return "nothing"

        class Caller(Model):
            async def get_response(self, *args, **kwargs):
                call = ResponseFunctionToolCall(
                    type="function_call", name="look", arguments="{}", call_id="c"
                )
                return ModelResponse(output=[call], usage=Usage(), response_id=None)

            def stream_response(self, *args, **kwargs):
                raise NotImplementedError

        config = RunConfig(tracing_disabled=True)
        for behavior in ("stop_on_first_tool", "run_llm_again"):
            agent = Agent(name="a", tools=[look], model=Caller(), tool_use_behavior=behavior)
            try:
                result = asyncio.run(Runner.run(agent, "x", max_turns=2, run_config=config))
                print(result.final_output)
            except MaxTurnsExceeded:
                print("too many")
    """)
    assert printed.splitlines() == ["nothing", "too many"]


def test_every_name_of_the_lazy_packages_is_there() -> None:
    listing = """
        import importlib
        from sidestream.chat.start.lean_imports import _LAZY_PACKAGES
        for package in sorted(_LAZY_PACKAGES):
            for name in dir(importlib.import_module(package)):
                if not name.startswith("_") and name != "annotations":
                    print(package, name)
    """
    names = run(listing)
    assert len(names.splitlines()) > 500

    printed = run(f"""
        import importlib
        assert import_sdks()
        for line in {names.splitlines()!r}:
            package, name = line.split()
            getattr(importlib.import_module(package), name)
        print("all")
    """)
    assert printed == "all"


@pytest.mark.parametrize("broken", ["agents", "openai.types"])
def test_an_sdk_that_does_not_bear_it_is_imported_the_plain_way(broken: str) -> None:
    printed = run(f"""
        from sidestream.chat.start import lean_imports
        if {broken!r} == "agents":
            def fail():
                raise RuntimeError("no such place")
            lean_imports.stand_ins.install = fail
        else:
            lean_imports._LAZY_PACKAGES = frozenset({{"openai.types.responses.response"}})
        assert not import_sdks()
        import sidestream.chat.app
        import pydantic.v1
        print("mcp" in sys.modules, type(sys.modules["agents.mcp"]).__name__)
    """)
    assert printed == "True module"


def test_it_leaves_alone_what_is_imported_already() -> None:
    assert (
        run("""
        import agents
        print(import_sdks(), "mcp" in sys.modules)
    """)
        == "False True"
    )
