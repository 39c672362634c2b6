"""Calls that a run makes without its model: those that an answer of the person stands for, and the
end of those that nobody answered."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from chatkit.types import ThreadItemDoneEvent, ThreadItemReplacedEvent, ThreadStreamEvent

from sidestream.chat.context import RunContext, ToolRecord
from sidestream.chat.tools.calls import Toolbox
from sidestream.chat.tools.confirmation import Call
from sidestream.chat.tools.filled import abandoned
from sidestream.chat.tools.forms import hidden_id, is_form, without_answers
from sidestream.chat.tools.trace import ToolTrace


class OwnCalls:
    """Makes calls, and tells of them."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools

    async def call(self, call: Call, context: RunContext) -> ToolRecord:
        """Make a call."""
        call_id = _call_id(context)
        return await self._tools.call(context, call.name, call_id, call.arguments, call.answers)

    async def make(
        self, thread_id: str, calls: Sequence[Call], context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Make calls one after the other, and add them to what the model remembers."""
        run = context.run
        trace = ToolTrace(self._tools.registry, thread_id, context.locale)
        for call in calls:
            if run.control.reason is not None:
                break
            for event in trace.started(_call_id(context), call.name):
                yield event
            for event in trace.finished(await self.call(call, context)):
                yield event
        for event in trace.close():
            if isinstance(event, ThreadItemDoneEvent):
                run.history = (*run.history, event.item)
            yield event

    async def let_go(
        self, thread_id: str, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Close the cards that wait, and tell the servers behind them that nobody answered."""
        run = context.run
        by_id = {item.id: item for item in run.history}
        for card in by_id.values():
            if not is_form(card) or card.status != "pending":
                continue
            skipped = without_answers(card)
            run.history = tuple(skipped if item is card else item for item in run.history)
            yield ThreadItemReplacedEvent(item=skipped)
            hidden = by_id.get(hidden_id(card.id))
            calls = abandoned(card, hidden, context).calls if hidden else ()
            async with aclosing(self.make(thread_id, calls, context)) as events:
                async for event in events:
                    yield event
        run.earlier = len(run.records)


def _call_id(context: RunContext) -> str:
    return f"call_{context.run_id}_{len(context.run.records)}"
