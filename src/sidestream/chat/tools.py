"""The agent's tools: static function tools that forward one MCP `tools/call` each.

`tasks_tools.json` is what the task server answers to `tools/list`, written by
`sidestream.tasks.manifest` and compared with the server by a test. So the model is offered the
tools without a request to the server, and a product that swaps the tasks for its own domain
regenerates one file.
"""

import asyncio
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from agents import FunctionTool
from agents.tool_context import ToolContext

from sidestream.chat.confirmation import DELETE_TOOL, held_output, told, without_held
from sidestream.chat.context import Control, EndReason, ToolRecord, TurnContext, TurnState
from sidestream.chat.mcp import McpClient, ToolServerError
from sidestream.chat.widgets import LISTING_TOOLS
from sidestream.i18n import _
from sidestream.reasons import report

MANIFEST: Final[list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("tasks_tools.json").read_text(encoding="utf-8")
)
"""The tools as the task server describes them."""

TOOL_NAMES: Final = frozenset(str(entry["name"]) for entry in MANIFEST)

WRITE_TOOLS: Final = frozenset({"add_task", "update_task", "complete_task", "delete_task"})
"""The tools whose success changes the list that the page shows."""

TOOLS_GRACE_S: Final = 5.0
"""How long a turn that ends waits for tool calls under way."""

ACTION_FAILED: Final = _("That did not work. The list shows how things are now.")
"""What a person is told of a change that nobody answers for in words."""

_INVALID: Final = _("The tool was not called in the right way.")
_UNREACHABLE: Final = _("The task service cannot be reached right now. Nothing was changed.")
_UNCERTAIN: Final = _("The task service did not answer. Look at the list before trying this again.")


class TaskTools:
    """Calls the task server for one turn at a time, and keeps a record of each call."""

    def __init__(self, client: McpClient, *, deadline_grace_s: float = 1.0) -> None:
        self._client = client
        self._deadline_grace_s = deadline_grace_s

    def function_tools(self) -> list[FunctionTool]:
        """Build the agent's tools from the manifest."""
        return [self._tool(entry) for entry in MANIFEST]

    async def call(
        self, context: TurnContext, name: str, call_id: str, arguments: dict[str, Any]
    ) -> ToolRecord:
        """Call a tool as the turn's user. A failure is a record too, and never an exception.

        When the run is ended early, the call has a little time left, and is then given up with a
        record that says nobody knows.
        """
        control = context.turn.control
        call = asyncio.ensure_future(self._request(context, name, call_id, arguments))
        ended = asyncio.Event()
        control.on_end(ended.set)
        waiting = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({call, waiting}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({call}, timeout=self.grace_s(control))
            record = call.result() if call.done() else _unanswered(call_id, name, arguments)
        finally:
            waiting.cancel()
            call.cancel()
        return _keep(context, record)

    def grace_s(self, control: Control) -> float:
        """How long a turn that ends waits for tool calls under way, in seconds."""
        at_deadline = control.reason is EndReason.DEADLINE
        return self._deadline_grace_s if at_deadline else TOOLS_GRACE_S

    async def _request(
        self, context: TurnContext, name: str, call_id: str, arguments: dict[str, Any]
    ) -> ToolRecord:
        key = _key(context, name, arguments)
        try:
            result = await self._client.call(
                name,
                arguments,
                user_id=context.user_id,
                key=key,
                request_id=context.request_id,
            )
        except ToolServerError as error:
            report("tools", error.reason)
            return _unanswered(call_id, name, arguments)
        if result.uncertain:
            return _unanswered(call_id, name, arguments)
        record = ToolRecord(call_id, name, arguments, result.text, result.failed)
        if name == DELETE_TOOL and result.failed and result.resent:
            found = await self._request(context, "get_task", call_id, arguments)
            if found.failed and found.reached:
                # The first sending deleted it, and its answer was lost.
                gone = {"id": arguments.get("task_id"), "deleted": True}
                return replace(record, output=json.dumps(gone), failed=False)
        return record

    async def _hold(
        self, context: TurnContext, call_id: str, arguments: dict[str, Any]
    ) -> ToolRecord:
        """Hold a deletion. The task is looked at, so that one that is not there is told now."""
        found = await self._request(context, "get_task", call_id, arguments)
        if found.failed:
            return replace(found, name=DELETE_TOOL)
        return replace(found, name=DELETE_TOOL, output=held_output(found.output), held=True)

    def _tool(self, entry: dict[str, Any]) -> FunctionTool:
        name = str(entry["name"])

        async def invoke(tool: ToolContext[TurnContext], arguments: str) -> str:
            # The call outlives a cancelled run: its effect may already be committed, and the
            # trace has to tell what really happened.
            call = asyncio.ensure_future(self._invoke(tool, name, arguments))
            tool.context.turn.calls[tool.tool_call_id] = call
            return told(await asyncio.shield(call))

        return FunctionTool(
            name=name,
            description=str(entry["description"]),
            params_json_schema=dict(entry["inputSchema"]),
            on_invoke_tool=invoke,
            strict_json_schema=False,
        )

    async def _invoke(
        self, tool: ToolContext[TurnContext], name: str, arguments: str
    ) -> ToolRecord:
        context, call_id = tool.context, tool.tool_call_id
        try:
            parsed = _parse(arguments)
        except ValueError as error:
            words = f"{_INVALID}\nThe arguments are not valid: {error}"
            return _keep(context, ToolRecord(call_id, name, {}, words, failed=True))
        try:
            if name == DELETE_TOOL:
                record = await self._hold(context, call_id, parsed)
            else:
                record = await self._request(context, name, call_id, parsed)
        except asyncio.CancelledError:
            # Given up by `settle`, which waits for this record.
            record = _unanswered(call_id, name, parsed)
        if name in LISTING_TOOLS and not record.failed:
            record = replace(record, output=without_held(context.turn, record.output))
        return _keep(context, record)


async def settle(turn: TurnState, grace_s: float) -> None:
    """Wait for a turn's tool calls under way: what they did has to be told.

    A call that takes longer than `grace_s` is given up, with a record that says nobody knows.
    """
    calls = [call for call in turn.calls.values() if not call.done()]
    if calls:
        await asyncio.wait(calls, timeout=grace_s)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)


def _key(context: TurnContext, name: str, arguments: dict[str, Any]) -> str:
    """Name a call by what it does, so that doing it again for the same message has no effect: when
    the message is answered again, or when the model repeats a call that nobody answered. A call
    that was answered and comes again is another one."""
    digest = sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:32]
    same = sum(
        record.reached and record.name == name and record.arguments == arguments
        for record in context.turn.records
    )
    return f"{context.turn.cause or context.run_id}:{name}:{digest}:{same}"


def _unanswered(call_id: str, name: str, arguments: dict[str, Any]) -> ToolRecord:
    sentence = _UNCERTAIN if name in WRITE_TOOLS else _UNREACHABLE
    return ToolRecord(call_id, name, arguments, sentence, failed=True, reached=False)


def _keep(context: TurnContext, record: ToolRecord) -> ToolRecord:
    context.turn.records.append(record)
    if context.turn.on_tool is not None:
        context.turn.on_tool(record)
    return record


def _parse(arguments: str) -> dict[str, Any]:
    parsed = json.loads(arguments or "{}")
    if not isinstance(parsed, dict):
        raise ValueError("a JSON object is needed")
    return parsed
