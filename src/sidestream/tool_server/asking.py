"""Tools that ask the person for more: `input_required` of revision 2026-07-28.

A tool says `call.ask(Form, message)`. The first time, the call ends with the question as its
result. The client puts it to the person and repeats the call with the answer, and `ask` gives it.
So a tool runs from its beginning each time and asks before it changes anything. Nothing is kept in
between: what was asked and answered so far travels with the client as `requestState`, sealed under
the key of the tool tokens, for this user, tool and arguments, and for a limited time
(modelcontextprotocol.io, specification 2026-07-28, "Multi Round-Trip Requests").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mcp.server.context import ServerRequestContext
from mcp.server.elicitation import render_elicitation_schema
from mcp.server.request_state import (
    AESGCMRequestStateCodec,
    RequestStateBoundary,
    RequestStateSecurity,
)
from mcp_types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from pydantic import BaseModel, ConfigDict, ValidationError

from sidestream.secret import Secret

ANSWER_WITHIN_S: Final = 3600.0
"""How long a question can be answered."""

_VERSION: Final = "2026-07-28"


class Answer(BaseModel):
    """What became of a question: the person's words in the form asked for, or none."""

    model_config = ConfigDict(frozen=True)

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Any] | None = None


class Pause(Exception):
    """A tool does not do its work in this call."""


class InputNeeded(Pause):
    """A tool cannot go on without the answer to a question."""

    def __init__(self, name: str, form: type[BaseModel], message: str) -> None:
        super().__init__(message)
        self.name = name
        self.form = form
        self.message = message


class Unanswered(Pause):
    """The person declined to answer, or let the question go."""


class Asked(BaseModel):
    """The questions of one call so far: the one that was asked last, and what was answered. This is
    what `requestState` holds."""

    model_config = ConfigDict(frozen=True)

    last: str = ""
    answers: dict[str, Answer] = {}

    @classmethod
    def of(cls, params: CallToolRequestParams) -> "Asked":
        """Read a call, whose state has been unsealed. Only what was asked can be answered."""
        if params.request_state is None:
            return cls()
        asked = cls.model_validate_json(params.request_state)
        given = (params.input_responses or {}).get(asked.last)
        if not isinstance(given, ElicitResult):
            return asked
        answer = Answer(action=given.action, content=given.content)
        return cls(answers={**asked.answers, asked.last: answer})

    def question(self, needed: InputNeeded) -> InputRequiredResult:
        """Give the result that asks for what a tool needs."""
        params = ElicitRequestFormParams(
            message=needed.message, requested_schema=render_elicitation_schema(needed.form)
        )
        answers = {name: each for name, each in self.answers.items() if name != needed.name}
        return InputRequiredResult(
            input_requests={needed.name: ElicitRequest(params=params)},
            request_state=Asked(last=needed.name, answers=answers).model_dump_json(),
        )


def answer_to[FormT: BaseModel](
    answers: Mapping[str, Answer], form: type[FormT], message: str
) -> FormT:
    """Give the person's answer. Raises `InputNeeded` while there is none that fits, and
    `Unanswered`."""
    name = form.__name__
    answer = answers.get(name)
    if answer is None:
        raise InputNeeded(name, form, message)
    if answer.action != "accept":
        raise Unanswered
    try:
        return form.model_validate(answer.content or {})
    except ValidationError:
        raise InputNeeded(name, form, message) from None


def can_ask(context: ServerRequestContext[Any]) -> bool:
    """Tell whether the client of a request has declared that it shows forms to a person."""
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or context.protocol_version != _VERSION:
        return False
    return elicitation.form is not None or elicitation.url is None


@dataclass(frozen=True, slots=True)
class _Seal:
    """Encrypts under the current text of a secret, and knows the one before it."""

    secret: Secret

    def seal(self, payload: bytes) -> str:
        return self._codec().seal(payload)

    def unseal(self, token: str) -> bytes:
        return self._codec().unseal(token)

    def _codec(self) -> AESGCMRequestStateCodec:
        return AESGCMRequestStateCodec(self.secret.known)


def state_boundary(
    secret: Secret, audience: str, user: str, answer_within_s: float
) -> RequestStateBoundary:
    """Give the server middleware that seals and unseals states. `user` is where the request's
    scope has the user id. A state that does not hold is refused with "Invalid or expired
    requestState" (-32602)."""

    def user_of(context: ServerRequestContext[Any, Any]) -> str:
        assert context.request is not None
        return str(context.request.scope[user])

    security = RequestStateSecurity(
        codec=_Seal(secret), ttl=answer_within_s, bind_principal=user_of, audience=audience
    )
    return RequestStateBoundary(security, default_audience=audience)
