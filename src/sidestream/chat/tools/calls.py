"""The agent's tools: every call goes through here, whichever source the tool is of.

So every call is held where its policy says so, recorded for the trace and for the model's memory,
and cut to its budget, be it to the domain's server, to a function or to another MCP server.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from agents import FunctionTool, Tool
from agents.tool_context import ToolContext
from openai.types.responses import ResponseFunctionToolCall
from pydantic_core import to_json

from sidestream.chat.context import Control, EndReason, RunContext, RunState, ToolRecord
from sidestream.chat.marks import MARKS_BYTES, plain_name
from sidestream.chat.tools.arguments import Schema, Unusable, fitting, read
from sidestream.chat.tools.confirmation import Confirmation
from sidestream.chat.tools.elicitation import Answers
from sidestream.chat.tools.exchange import exchange
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.chat.tools.results import kept_of, words_of
from sidestream.chat.tools.server import ToolResult
from sidestream.chat.tools.sources import OfferedTool
from sidestream.chat.tools.wire import ToolServerError
from sidestream.config import ChatSettings
from sidestream.i18n import _
from sidestream.reasons import Reason, report

TOOLS_GRACE_S: Final = 5.0
"""How long a run that ends waits for tool calls under way."""

ACTION_FAILED: Final = _("That did not work. The list shows how things are now.")
"""What a person is told of a change that nobody answers for in words."""

_UNKNOWN: Final = _("There is no such tool at present.")
_INVALID: Final = _("The tool was not called in the right way.")
_UNREACHABLE: Final = _("The service behind this cannot be reached right now. Nothing was changed.")
_UNCERTAIN: Final = _(
    "The service behind this did not answer. Look at how things are before trying this again."
)
_TOO_MANY: Final = _("That was more than one answer may do, so it was left out.")
_MOST: Final = "It was not done: an answer makes {count} tool calls at most. Answer without it."
_MOST_AT_ONCE: Final = "It was not done: {count} calls are made at once. Call again for the rest."
_LONG_ARGUMENTS: Final = "It was not done: the arguments of the calls are too long in all."
_HELD_STATUS: Final = "held"
_NEEDS_STATUS: Final = "input_required"
_LEAST_BYTES: Final = 500


class Toolbox:
    """Calls tools for the runs of the process, and keeps a record of each call in its run."""

    def __init__(self, registry: ToolRegistry, settings: ChatSettings) -> None:
        self.registry = registry
        self.confirmation = Confirmation(registry)
        self._deadline_grace_s = settings.deadline_margin_s / 8
        self._call_bytes = settings.tool_output_bytes
        self._run_bytes = settings.tool_output_bytes_per_run
        self._run_arguments_bytes = settings.max_item_bytes // 4
        self._result_bytes = settings.max_item_bytes
        self._most_at_once = settings.max_tool_calls_per_step
        self._most = settings.max_tool_calls

    def function_tools(self) -> list[Tool]:
        """Build the agent's tools from what is offered now."""
        return [self._tool(name, tool) for name, tool in self.registry.offered().items()]

    async def call(
        self,
        context: RunContext,
        name: str,
        call_id: str,
        arguments: dict[str, Any],
        answers: Answers | None = None,
    ) -> ToolRecord:
        """Call a tool as the run's user, or make a call again with the answers to what its server
        wanted. A failure is a record too, and never an exception.

        When the run is ended early, the call has a little time left, and is then given up with a
        record that says nobody knows.
        """
        control = context.run.control
        call = asyncio.ensure_future(self._request(context, name, call_id, arguments, answers))
        ended = asyncio.Event()
        control.on_end(ended.set)
        waiting = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({call, waiting}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({call}, timeout=self.grace_s(control))
            record = call.result() if call.done() else self._unanswered(call_id, name, arguments)
        finally:
            waiting.cancel()
            call.cancel()
        return _keep(context.run, self._within_budget(context, record))

    def grace_s(self, control: Control) -> float:
        """How long a run that ends waits for tool calls under way, in seconds."""
        hurried = control.reason in (EndReason.DEADLINE, EndReason.CLOSING)
        return self._deadline_grace_s if hurried else TOOLS_GRACE_S

    async def _request(
        self,
        context: RunContext,
        name: str,
        call_id: str,
        arguments: dict[str, Any],
        answers: Answers | None = None,
    ) -> ToolRecord:
        source = self.registry.source(name)

        async def send(key: str, answers: Answers | None) -> ToolResult:
            if source is None:
                raise ToolServerError(Reason.MISSING)
            return await source.call(context, name, call_id, arguments, key, answers)

        try:
            result = await exchange(send, _key(context, name, arguments), answers)
        except ToolServerError as error:
            theirs = source is not None and source.asker
            report(f"MCP server {theirs}" if theirs else "tools", error.reason)
            return self._unanswered(call_id, name, arguments)
        if result.uncertain:
            return self._unanswered(call_id, name, arguments)
        if result.needs is not None:
            found = await self._look_up(context, name, call_id, arguments)
            document = found.result if found and isinstance(found.result, dict) else {}
            return ToolRecord(
                call_id, name, arguments, "", False, result=document, needs=result.needs
            )
        record = ToolRecord(
            call_id, name, arguments, result.text, result.failed, result=result.content
        )
        tool = self.registry.policy(name).tool
        if tool.removes and tool.look_up and result.failed and result.resent:
            found = await self._request(context, tool.look_up, call_id, arguments)
            if found.failed and found.reached:
                # The first sending removed it, and its answer was lost.
                gone = {"id": arguments.get(str(tool.target)), "deleted": True}
                return replace(record, output=json.dumps(gone), result=gone, failed=False)
        return record

    async def _hold(
        self, context: RunContext, name: str, call_id: str, arguments: dict[str, Any]
    ) -> ToolRecord:
        """Hold a call. What it is about is looked at, so that a wrong id is told now."""
        found = await self._look_up(context, name, call_id, arguments)
        if found is not None and found.failed:
            return replace(found, name=name, arguments=arguments)
        document = found.result if found and isinstance(found.result, dict) else {}
        return ToolRecord(call_id, name, arguments, "", False, held=True, result=document)

    async def _look_up(
        self, context: RunContext, name: str, call_id: str, arguments: dict[str, Any]
    ) -> ToolRecord | None:
        """Look at what a call is about, where the domain says how."""
        tool = self.registry.policy(name).tool
        if not tool.look_up or not tool.target:
            return None
        about = {tool.target: arguments.get(tool.target)}
        return await self._request(context, tool.look_up, call_id, about)

    def _tool(self, name: str, offered: OfferedTool) -> FunctionTool:
        async def invoke(tool: ToolContext[RunContext], arguments: str) -> str:
            # The call outlives a cancelled run: its effect may already be committed, and the
            # trace has to tell what really happened.
            tool.context.run.step_calls += 1
            call = asyncio.ensure_future(self._invoke(tool, name, offered.schema, arguments))
            tool.context.run.calls[tool.tool_call_id] = call
            return self.confirmation.told(await asyncio.shield(call))

        return FunctionTool(
            name=name,
            description=offered.description,
            params_json_schema=dict(offered.schema),
            on_invoke_tool=invoke,
            strict_json_schema=offered.strict,
        )

    async def _invoke(
        self, tool: ToolContext[RunContext], name: str, schema: Schema, arguments: str
    ) -> ToolRecord:
        """Call a tool for the model, or hold the call."""
        context, call_id = tool.context, tool.tool_call_id
        if advice := self._one_too_many(context.run, arguments):
            words = f"{_TOO_MANY}\n{advice}"
            return _keep(context.run, _own_words(call_id, name, {}, words))
        try:
            reads = self.registry.policy(name).reads
            parsed = fitting(read(arguments), schema, reads=reads)
        except Unusable as error:
            words = f"{_INVALID}\nThe arguments are not valid: {plain_name(str(error))}"
            return _keep(context.run, _own_words(call_id, name, {}, words))
        try:
            if self.confirmation.holds(name):
                record = await self._hold(context, name, call_id, parsed)
            else:
                record = await self._request(context, name, call_id, parsed)
        except asyncio.CancelledError:
            # Given up by `settle`, which waits for this record.
            record = self._unanswered(call_id, name, parsed)
        if reads and not record.failed:
            seen = self.confirmation.without_held(context.run, record.result)
            record = replace(record, result=seen)
        return _keep(context.run, self._within_budget(context, record))

    def _one_too_many(self, run: RunState, arguments: str) -> str | None:
        """Say to the model why the call that it just made is not done, if it is beyond a limit."""
        if len(run.calls) > self._most:
            return _MOST.format(count=self._most)
        if run.step_calls > self._most_at_once:
            return _MOST_AT_ONCE.format(count=self._most_at_once)
        before = sum(len(to_json(record.arguments)) for record in run.records)
        if before and before + len(arguments.encode(errors="replace")) > self._run_arguments_bytes:
            return _LONG_ARGUMENTS
        return None

    def _within_budget(self, context: RunContext, record: ToolRecord) -> ToolRecord:
        """Give a record whose words leave room for those of the run's other calls."""
        used = sum(len(past.told.encode()) for past in context.run.records)
        budget = max(_LEAST_BYTES, min(self._call_bytes, self._run_bytes - used)) - MARKS_BYTES
        # Only in what the model reads: the thing may have a status of its own.
        status = _NEEDS_STATUS if record.needs else _HELD_STATUS
        told = {**record.result, "status": status} if record.waits else record.result
        words = words_of(told or record.output, budget)
        if not record.waits:
            record = replace(record, result=kept_of(record.result, self._result_bytes))
        return replace(record, output=words)

    def _unanswered(self, call_id: str, name: str, arguments: dict[str, Any]) -> ToolRecord:
        reads = self.registry.policy(name).reads
        sentence = _UNREACHABLE if reads else _UNCERTAIN
        return replace(_own_words(call_id, name, arguments, sentence), reached=False)


async def settle(run: RunState, grace_s: float) -> None:
    """Wait for a run's tool calls under way: what they did has to be told.

    A call that takes longer than `grace_s` is given up, with a record that says nobody knows.
    """
    calls = [call for call in run.calls.values() if not call.done()]
    if calls:
        await asyncio.wait(calls, timeout=grace_s)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)


def _key(context: RunContext, name: str, arguments: Mapping[str, Any]) -> str:
    """Name a call by what it does, so that doing it again for the same message has no effect: when
    the message is answered again, or when the model repeats a call that nobody answered. A call
    that was answered and comes again is another one."""
    digest = sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:32]
    same = sum(
        record.reached and record.name == name and record.arguments == arguments
        for record in context.run.records
    )
    return f"{context.run.cause or context.run_id}:{name}:{digest}:{same}"


def refused(run: RunState, call: ResponseFunctionToolCall, words: str) -> ToolRecord:
    """Record a call that the agent itself has answered, because no such tool is offered."""
    try:
        arguments = read(call.arguments)
    except Unusable:
        arguments = {}
    output = f"{_UNKNOWN}\n{plain_name(words)}"
    return _keep(run, _own_words(call.call_id, call.name, arguments, output))


def _own_words(call_id: str, name: str, arguments: dict[str, Any], words: str) -> ToolRecord:
    """Record a call that no tool answered, in words of ours: what they quote is a plain name."""
    return ToolRecord(call_id, name, arguments, words, failed=True, ours=True)


def _keep(run: RunState, record: ToolRecord) -> ToolRecord:
    run.records.append(record)
    run.on_tool(record)
    return record
