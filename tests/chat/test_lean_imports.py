"""The lean imports, each in a process of its own: what they leave out, and that it comes back."""

import subprocess
import sys
import textwrap

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


UNUSED = ["mcp", "mcp_types", "openai.types.graders", "agents.sandbox.manifest"]


def test_the_chat_is_imported_without_what_it_never_uses() -> None:
    """Fails when a new version of an SDK no longer bears it: the fallback would hide that."""
    printed = run(f"""
        assert import_sdks()
        import sidestream.chat.app
        unused = {[*UNUSED, "openai.resources.responses.responses"]}
        print([name for name in unused if name in sys.modules])
    """)
    assert printed == "[]"


def test_the_scripted_run_loads_nothing_of_it_either() -> None:
    printed = run(f"""
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
        print([name for name in {UNUSED} if name in sys.modules])
    """)
    assert printed == "[]"


def test_openais_types_are_imported_one_by_one_and_all_are_there() -> None:
    printed = run("""
        import_sdks()
        import openai.types.responses as lean
        late = "openai.types.responses.compacted_response"
        before = late in sys.modules
        from openai.types.responses import CompactedResponse
        print(before, CompactedResponse.__module__ == late, hasattr(lean, "Nothing"))
    """)
    assert printed == "False True False"


def test_models_are_built_when_they_are_used_and_later_ones_at_once() -> None:
    printed = run("""
        import_sdks()
        from chatkit.types import ThreadsListReq, UserMessageItem
        from pydantic import BaseModel

        class Later(BaseModel):
            x: int

        built = [model.__pydantic_complete__ for model in (ThreadsListReq, UserMessageItem, Later)]
        asked = ThreadsListReq.model_validate({"params": {"limit": "7"}})
        print(built, asked.params.limit)
    """)
    assert printed == "[False, True, True] 7"


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


def test_what_is_left_out_is_said_to_be() -> None:
    printed = run("""
        assert import_sdks()
        import asyncio
        from types import SimpleNamespace
        from agents import Agent, RunContextWrapper
        from agents.sandbox.runtime import SandboxRuntime

        def serve():
            agent = Agent(name="a", mcp_servers=[object()])
            asyncio.run(agent.get_mcp_tools(RunContextWrapper(None)))

        def boxed():
            SandboxRuntime(run_config=SimpleNamespace(sandbox={}))

        for wanted in (
            "from agents.mcp import MCPServerStreamableHttp",
            "import agents.mcp.server",
            "serve()",
            "from agents.sandbox import SandboxAgent",
            "import agents.sandbox.sandbox_agent",
            "boxed()",
        ):
            try:
                exec(wanted)
            except ImportError as error:
                print(error)
        print(hasattr(sys.modules["agents.sandbox"], "SandboxAgent"))
    """)
    where = "see sidestream.chat.start.stand_ins"
    assert printed.splitlines() == [
        f"cannot import name 'MCPServerStreamableHttp' from 'agents.mcp' (<left out: {where}>)",
        "No module named 'agents.mcp.server'",
        f"agents.mcp is left out of this function: {where}",
        f"cannot import name 'SandboxAgent' from 'agents.sandbox' (<left out: {where}>)",
        "No module named 'agents.sandbox.sandbox_agent'",
        f"agents.sandbox is left out of this function: {where}",
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


def test_an_sdk_that_does_not_bear_it_is_imported_the_plain_way() -> None:
    printed = run("""
        from sidestream.chat.start import lean_imports
        lean_imports.stand_ins._LEFT_OUT["agents.mcp"].clear()
        assert not import_sdks()
        import sidestream.chat.app
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
