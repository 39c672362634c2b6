"""The response: one run of the agent, from the history to the last saved item.

Whatever ends the run (the model, an error, Stop, the deadline), what was written is saved, tool
calls under way are waited for and told, and an error comes as an event that says what to do.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from agents import Agent, ModelProvider, Runner
from chatkit.types import (
    NoticeEvent,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from sidestream.chat.context import EndReason, RunContext, RunState, ToolRecord
from sidestream.chat.failures import (
    NO_ANSWER,
    TOO_LONG,
    Failure,
    classify,
    error_event,
    facts,
    reason_of,
)
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.incomplete import Incomplete
from sidestream.chat.model.agent import ERROR_HANDLERS, STEPS, run_config
from sidestream.chat.model.history import (
    HistoryConverter,
    files_beyond,
    note,
    recent,
    tokens_in,
    tokens_of,
)
from sidestream.chat.model.moment import told
from sidestream.chat.runs.answer import Answer, begins_message
from sidestream.chat.runs.ended import ENDED_EARLY, NOT_MADE_NOTE
from sidestream.chat.runs.own_calls import OwnCalls
from sidestream.chat.tools.calls import ACTION_FAILED, Toolbox, settle
from sidestream.chat.tools.cards import Cards
from sidestream.chat.tools.confirmation import Call
from sidestream.chat.tools.forms import Forms
from sidestream.config import ChatSettings
from sidestream.i18n import text
from sidestream.reasons import report
from sidestream.telemetry import log_failure, logger

_STOPPED_NOTE: Final = "The person stopped the answer before it began."
_CUT: Final = {
    EndReason.STOPPED: Incomplete.STOPPED,
    EndReason.DEADLINE: Incomplete.DEADLINE,
    EndReason.CLOSING: Incomplete.INTERRUPTED,
    EndReason.TOO_LONG: Incomplete.LENGTH,
}

log = logger("chat")


class Responder:
    """Answers with the agent."""

    def __init__(
        self,
        tools: Toolbox,
        cards: Cards,
        agent: Agent[RunContext],
        provider: ModelProvider,
        files: AttachmentFiles,
        settings: ChatSettings,
    ) -> None:
        self._tools = tools
        self._cards = cards
        self._confirmation = tools.confirmation
        self.forms = Forms(tools.registry)
        self._own = OwnCalls(tools)
        self._agent = agent
        self._provider = provider
        self._settings = settings
        self._files = files

    def model_of(self, message: UserMessageItem | None, history: Sequence[ThreadItem]) -> str:
        """Give the model that answers a message, or that goes on after the last one."""
        if message is None:
            said = (item for item in reversed(history) if isinstance(item, UserMessageItem))
            message = next(said, None)
        chosen_model = message.inference_options.model if message else None
        allowed = chosen_model in self._settings.allowed_models
        return chosen_model if chosen_model and allowed else self._settings.model

    async def respond(
        self, thread: ThreadMetadata, message: UserMessageItem | None, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Answer the history of a run, whose last message may choose model and tool, and stands in
        the place of an answer to what tools wait for."""
        if message is not None:
            async with aclosing(self._own.let_go(thread.id, context)) as events:
                async for event in events:
                    yield event
        async with aclosing(self._respond(thread, message, context)) as events:
            async for event in events:
                yield event

    async def _respond(
        self, thread: ThreadMetadata, message: UserMessageItem | None, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        control = context.run.control
        answer = Answer(self._tools.registry, thread.id, context, self._settings)
        failure: Failure | None = None
        try:
            async with aclosing(self._run_agent(answer, message, context)) as events:
                async for event in events:
                    yield event
        except Exception as error:
            if control.reason is None:
                failure = classify(error, answering=answer.started)
                fields = {**facts(error), "model": context.run.model, "run_id": context.run_id}
                log_failure(log, "model failed", error, code=failure.code, **fields)
                if reason := reason_of(error):
                    report("model", reason)
        if failure is None and control.reason is None and answer.silent:
            failure = NO_ANSWER if not context.run.new_records else None
        await settle(context.run, self._tools.grace_s(control))
        if not control.may_write:
            return
        self._count(answer.uncounted, context)
        for event in answer.close(_incomplete(context.run, failure)):
            yield event
        async for event in self._end(answer, failure, thread.id, context):
            yield event

    async def _end(
        self, answer: Answer, failure: Failure | None, thread_id: str, context: RunContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Say what went wrong, and do what is left to be done when the answer is usable."""
        control = context.run.control
        if control.reason is None and failure is not None and failure.notice:
            yield NoticeEvent(level="warning", message=text(context.locale, failure.message))
            context.run.failure = failure.code
            async for event in self._conclude(answer, thread_id, context, cut=True):
                yield event
        elif control.reason is None and failure is None:
            async for event in self._conclude(answer, thread_id, context, cut=False):
                yield event
        else:
            for event in self._give_up(answer, thread_id, context):
                yield event
        if control.reason in _CUT:
            for event in answer.cut_off(_CUT[control.reason]):
                yield event
        if control.reason in ENDED_EARLY:
            failure = ENDED_EARLY[control.reason]
        if failure is not None and not failure.notice:
            context.run.failure = failure.code
            yield error_event(failure, context.locale)

    async def carry_on(
        self, thread: ThreadMetadata, calls: Sequence[Call], context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Make the calls that the answer to a question stands for, and let the agent carry on, or
        ask what their servers want to know first."""
        run = context.run
        run.confirmed = True
        async with aclosing(self._own.make(thread.id, calls, context)) as events:
            async for event in events:
                yield event
        if self.forms.waiting(run) and run.control.reason is None:
            for item in self.forms.cards(run, thread.id, context):
                yield ThreadItemDoneEvent(item=item)
            return
        async with aclosing(self._respond(thread, None, context)) as events:
            async for event in events:
                yield event

    async def _run_agent(
        self, answer: Answer, message: UserMessageItem | None, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        tool_choice = message.inference_options.tool_choice if message else None
        self._tools.registry.refresh()
        context.run.model = self.model_of(message, context.run.history)
        result = Runner.run_streamed(
            replace(self._agent, tools=self._tools.function_tools()),
            await self._input(context),
            context=context,
            max_turns=self._settings.max_turns,
            hooks=STEPS,
            error_handlers=ERROR_HANDLERS,
            run_config=run_config(
                self._provider, context.run.model, tool_choice.id if tool_choice else None
            ),
        )
        context.run.control.on_end(result.cancel)
        try:
            async for event in result.stream_events():
                if begins_message(event) and self._asks_by_now(answer, context.run):
                    break
                for out in answer.feed(event):
                    yield out
        finally:
            if not result.is_complete:
                result.cancel()

    def _asks_by_now(self, answer: Answer, run: RunState) -> bool:
        """Tell whether there is something to ask, by what has been told and not by what the agent,
        which is ahead, has done since."""
        known = replace(run, records=answer.told)
        return self._confirmation.asks(known) or bool(self.forms.waiting(known))

    def _count(self, words: str | None, context: RunContext) -> None:
        """Count what a response used that was cut before it said so: an estimate, from below."""
        if words is None:
            return
        sent = self._recent(context.run.history)
        context.run.input_tokens += sum(map(tokens_of, sent))
        context.run.output_tokens += tokens_in(words)

    def _recent(self, history: Sequence[ThreadItem]) -> list[ThreadItem]:
        return recent(history, max_tokens=self._settings.history_tokens)

    async def _input(self, context: RunContext) -> list[Any]:
        items = told(self._recent(context.run.history), datetime.now(UTC), context.time_zone)
        beyond = files_beyond(items, self._settings.max_file_bytes_per_run)
        return list(await HistoryConverter(self._files, beyond).to_agent_input(items))

    async def _conclude(
        self, answer: Answer, thread_id: str, context: RunContext, *, cut: bool
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Ask about the calls that are held, or make them, unless the answer was `cut` and there
        may be more; or show the list that was asked for."""
        run, confirmation = context.run, self._confirmation
        held = confirmation.held(run)
        if (
            len(held) == 1
            and not confirmation.asks(run)
            and (search := confirmation.unsearched(run))
        ):
            await self._own.call(search, context)
        if confirmation.asks(run) or (held and cut):
            asked = confirmation.question(run, thread_id, context.locale)
            yield ThreadItemDoneEvent(item=asked.memory)
            yield ThreadItemDoneEvent(item=asked.item)
        elif run.control.reason is not None:
            for event in self._give_up(answer, thread_id, context):
                yield event
        elif held:
            async for event in self._make_held(answer, held, context):
                yield event
        elif rows := self._cards.listing(run.new_records, self._tools.registry):
            yield ThreadItemDoneEvent(item=self._cards.item(rows, thread_id, context.locale))
        if run.control.reason is None:
            for item in self.forms.cards(run, thread_id, context):
                yield ThreadItemDoneEvent(item=item)

    async def _make_held(
        self, answer: Answer, held: Sequence[ToolRecord], context: RunContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        for waiting in held:
            call = Call(waiting.name, waiting.arguments)
            record = await self._own.call(call, context)
            for event in answer.carried_out(record):
                yield event
            if record.failed:
                yield NoticeEvent(level="warning", message=text(context.locale, ACTION_FAILED))

    def _give_up(
        self, answer: Answer, thread_id: str, context: RunContext
    ) -> Iterator[ThreadStreamEvent]:
        """Say what an answer that broke off leaves undone, to the person and to the model."""
        if context.run.control.reason is EndReason.STOPPED and not answer.marked:
            yield ThreadItemDoneEvent(item=note(thread_id, _STOPPED_NOTE))
        if self._confirmation.held(context.run) or self.forms.waiting(context.run):
            yield from answer.given_up()
            yield ThreadItemDoneEvent(item=note(thread_id, NOT_MADE_NOTE))


def _incomplete(run: RunState, failure: Failure | None) -> Incomplete | None:
    """Why an answer is not whole, None where it is."""
    if run.control.reason is not None:
        return _CUT.get(run.control.reason)
    if failure is None:
        return None
    return Incomplete.LENGTH if failure.notice or failure is TOO_LONG else Incomplete.ERROR
