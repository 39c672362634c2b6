"""The assembly: what a provider told of one response, made into events of the Responses API.

The readers of both protocols report here in whichever order things come. Out come
`response.created`, the messages word by word, each call as soon as its tool is known, and one
terminal event with the whole output: `response.completed`, `incomplete` or `failed`.
"""

import time
from collections.abc import Collection, Mapping
from typing import Any, Literal, cast

from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseCreatedEvent,
    ResponseError,
    ResponseFailedEvent,
    ResponseFunctionToolCall,
    ResponseIncompleteEvent,
    ResponseOutputItemAddedEvent,
    ResponseReasoningItem,
    ResponseUsage,
)
from openai.types.responses.response import IncompleteDetails

from sidestream.chat.model.normalise.calls import Call, Calls, Piece
from sidestream.chat.model.normalise.ends import End
from sidestream.chat.model.normalise.made import made_of
from sidestream.chat.model.normalise.messages import Messages
from sidestream.chat.model.normalise.outgoing import Outgoing
from sidestream.storable import storable

type _Status = Literal["in_progress", "completed", "incomplete", "failed"]


class Assembly:
    """One response in the making."""

    def __init__(self, tools: Collection[str], used_ids: Collection[str]) -> None:
        self.out = Outgoing(used_ids)
        self.messages = Messages(self.out)
        self.calls = Calls(tools, used_ids)
        self.usage: ResponseUsage | None = None
        self.end: End | None = None
        self._code = ""
        self._id = ""
        self._reasoning: list[tuple[int | None, ResponseReasoningItem]] = []

    def create(self, given_id: object = None) -> None:
        """The provider has begun. Saying so again changes nothing."""
        if self._id:
            return
        self._id = self.out.id_of(given_id)
        self.out.add(
            ResponseCreatedEvent,
            type="response.created",
            response=self._response("in_progress", []),
        )

    def call(self, piece: Piece) -> None:
        """A piece of a call came, which has to be found by what it says."""
        self.announce(self.calls.take(piece))

    def announce(self, call: Call, *, over: bool = False) -> None:
        """Tell of a call, once: when its tool is known, or when the response is `over`."""
        if call.call_id or not (over or self.calls.knows(call.name)):
            return
        self.calls.name(call)
        self.out.begun = True
        self.out.add(
            ResponseOutputItemAddedEvent,
            type="response.output_item.added",
            item=_made(call, "in_progress"),
            output_index=call.place or 0,
        )

    def reason(self, item: Mapping[str, Any], place: int | None = None) -> None:
        """Keep the reasoning behind a response, as an item of the Responses API."""
        made = ResponseReasoningItem.construct(**{**item, "type": "reasoning"})
        made.id = self.out.id_of(item.get("id"))
        self._reasoning.append((place, made))

    def ended(self, end: End, code: str = "") -> None:
        """An end was told, a failure with its code. The worst of several counts."""
        if self.end is None or end > self.end:
            self.end, self._code = end, storable(code)

    def close(self) -> None:
        """No more comes: give the rest, and the terminal event."""
        self.create()
        self.messages.close()
        for call in self.calls.all:
            call.close()
            self.announce(call, over=True)
        self._terminate()

    def _terminate(self) -> None:
        output = self._output()
        if self.end is End.FAILED:
            failed = self._response("failed", output)
            failed.error = made_of(ResponseError, code=cast(Any, self._code), message="")
            self.out.add(
                ResponseFailedEvent,
                type="response.failed",
                response=failed,
            )
        elif self.end in (End.LENGTH, End.FILTERED):
            short = self._response("incomplete", output)
            short.incomplete_details = IncompleteDetails(
                reason="content_filter" if self.end is End.FILTERED else "max_output_tokens"
            )
            self.out.add(
                ResponseIncompleteEvent,
                type="response.incomplete",
                response=short,
            )
        else:
            self.out.add(
                ResponseCompletedEvent,
                type="response.completed",
                response=self._response("completed", output),
            )

    def _output(self) -> list[Any]:
        """The items of the output: as the provider had them, or else reasoning, words and calls."""
        items: list[tuple[int | None, Any]] = [*self._reasoning, *self.messages.made()]
        items += [(call.place, _made(call, "completed")) for call in self.calls.all]
        if all(place is not None for place, _item in items):
            items.sort(key=lambda entry: entry[0] or 0)
        return [item for _place, item in items]

    def _response(self, status: _Status, output: list[Any]) -> Response:
        return made_of(
            Response,
            id=self._id,
            object="response",
            created_at=time.time(),
            model="",
            status=status,
            output=output,
            usage=self.usage,
            tools=[],
            tool_choice="auto",
            parallel_tool_calls=True,
        )


def _made(call: Call, status: Literal["in_progress", "completed"]) -> ResponseFunctionToolCall:
    made = ResponseFunctionToolCall(
        type="function_call",
        call_id=call.call_id,
        name=call.name,
        arguments=call.arguments if status == "completed" else "",
        status=status,
    )
    if call.extra is not None:
        made.provider_data = {"extra_content": call.extra}  # type: ignore[attr-defined]
    return made
