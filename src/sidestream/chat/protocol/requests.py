"""A ChatKit request: read, checked and counted before anything else happens.

ChatKit's own models decide what is well formed. On top come the limits they leave open: sizes,
page limits, NUL characters (which Postgres cannot store), models that are not offered.
"""

import codecs
import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from chatkit.types import (
    ChatKitReq,
    InferenceOptions,
    ItemsFeedbackReq,
    ItemsListReq,
    StructuredInputSubmission,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsListReq,
    ThreadsSyncCustomActionReq,
    ThreadsUpdateReq,
    UserMessageInput,
    UserMessageTagContent,
    UserMessageTextContent,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import Request

from sidestream.config import ChatSettings
from sidestream.field_errors import field_errors
from sidestream.problems import BadRequest, Invalid, TooLarge
from sidestream.store.threads import MAX_PAGE
from sidestream.visible import is_visible

MAX_TITLE_CHARS: Final = 200
MAX_FEEDBACK_ITEMS: Final = 100

_ADAPTER: Final[TypeAdapter[ChatKitReq]] = TypeAdapter(ChatKitReq)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class PlainMessage(BaseModel):
    """The body of the plain chat route."""

    message: str
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """An `Idempotency-Key` and the SHA-256 of the body it came with."""

    key: str | None
    request_hash: bytes


async def read_body(request: Request) -> bytes:
    """Read a request's body, without the byte order mark that some programs put before JSON (RFC
    8259, 8.1)."""
    return (await request.body()).removeprefix(codecs.BOM_UTF8)


def idempotency(request: Request, body: bytes) -> Idempotency:
    """Take the `Idempotency-Key` of a request. Raises `BadRequest` when it is malformed."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest("An Idempotency-Key is 1 to 255 visible ASCII characters.")
    return Idempotency(key, hashlib.sha256(body).digest())


def parse(body: bytes, settings: ChatSettings, tools: Collection[str]) -> ChatKitReq:
    """Parse and check a ChatKit request, which may name one of the `tools`.

    Raises `BadRequest`, `Invalid` or `TooLarge`.
    """
    try:
        request = _ADAPTER.validate_json(body)
    except ValidationError as error:
        raise _problem(error) from None
    if b"\\u0000" in body and any("\0" in string for string in _strings(request.model_dump())):
        raise Invalid("The text contains a NUL character, which cannot be stored.")
    _check(request, settings, tools)
    return request


def parse_plain(body: bytes, settings: ChatSettings) -> ChatKitReq:
    """Parse a plain message as the ChatKit request it stands for."""
    try:
        plain = PlainMessage.model_validate_json(body)
    except ValidationError as error:
        raise _problem(error) from None
    message = UserMessageInput(
        content=[UserMessageTextContent(text=plain.message)],
        attachments=[],
        inference_options=InferenceOptions(),
    )
    params: dict[str, Any] = {"input": message.model_dump()}
    kind = "threads.create"
    if plain.thread_id is not None:
        kind = "threads.add_user_message"
        params["thread_id"] = plain.thread_id
    if "\0" in plain.message or "\0" in (plain.thread_id or ""):
        raise Invalid("The text contains a NUL character, which cannot be stored.")
    request = _ADAPTER.validate_python({"type": kind, "params": params})
    _check(request, settings, ())
    return request


def is_plain(body: bytes) -> bool:
    """Tell a plain message from a ChatKit request: only the latter has a `type`."""
    try:
        document = TypeAdapter(dict[str, Any]).validate_json(body)
    except ValidationError as error:
        raise _problem(error) from None
    return "type" not in document


def _check(request: ChatKitReq, settings: ChatSettings, tools: Collection[str]) -> None:
    match request:
        case ThreadsCreateReq() | ThreadsAddUserMessageReq():
            _check_message(request.params.input, settings, tools)
        case ThreadsListReq() | ItemsListReq():
            if request.params.limit is not None:
                request.params.limit = max(1, min(MAX_PAGE, request.params.limit))
        case ThreadsUpdateReq():
            request.params.title = _title(request.params.title)
        case ThreadsAddStructuredInputReq():
            _check_answers(request.params.input, settings)
        case ThreadsAddClientToolOutputReq():
            _check_carried(request.params.result, settings.tool_output_bytes)
        case ThreadsCustomActionReq() | ThreadsSyncCustomActionReq():
            _check_carried(request.params.action.payload, settings.max_action_bytes)
        case ItemsFeedbackReq():
            if not 0 < len(request.params.item_ids) <= MAX_FEEDBACK_ITEMS:
                raise Invalid("Feedback is for 1 to {count} items.", count=MAX_FEEDBACK_ITEMS)


def _check_message(
    message: UserMessageInput, settings: ChatSettings, tools: Collection[str]
) -> None:
    if len(message.content) > settings.max_content_parts:
        raise TooLarge(
            "A message may have {count} parts at most.", count=settings.max_content_parts
        )
    words = "".join(part.text for part in message.content) + (message.quoted_text or "")
    tags = [part for part in message.content if isinstance(part, UserMessageTagContent)]
    behind = sum(len(tag.model_dump_json(exclude={"type", "text", "interactive"})) for tag in tags)
    if len(words) + behind > settings.max_message_chars:
        raise _too_long(settings)
    if not is_visible(words) and not message.attachments:
        raise Invalid("A message needs some text or an attachment.")
    options = message.inference_options
    if options.model is not None and options.model not in settings.allowed_models:
        raise Invalid("This model is not offered here.")
    if options.tool_choice is not None and options.tool_choice.id not in tools:
        raise Invalid("This tool is not offered here.")
    if len(message.attachments) > settings.max_attachments:
        raise TooLarge(
            "A message may have {count} attachments at most.", count=settings.max_attachments
        )


def _check_answers(submission: StructuredInputSubmission, settings: ChatSettings) -> None:
    given = submission.answers
    values = [value for answer in given.values() for value in answer.values]
    if len(given) > settings.max_answers or len(values) > settings.max_answers:
        raise TooLarge("An answer may have {count} parts at most.", count=settings.max_answers)
    if sum(map(len, [*given, *values])) > settings.max_message_chars:
        raise _too_long(settings)


def _check_carried(value: Any, max_bytes: int) -> None:
    """Refuse what a card or the page sends along beyond its size."""
    if len(to_json(value)) > max_bytes:
        raise TooLarge("What goes with this may have {count} bytes at most.", count=max_bytes)


def _title(given: str) -> str:
    title = given.strip()
    if not (is_visible(title) and len(title) <= MAX_TITLE_CHARS):
        raise Invalid("A title has 1 to {count} characters.", count=MAX_TITLE_CHARS)
    return title


def _too_long(settings: ChatSettings) -> TooLarge:
    return TooLarge(
        "A message may have {count} characters at most.", count=settings.max_message_chars
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(key)
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _problem(error: ValidationError) -> BadRequest | Invalid:
    errors = error.errors(include_url=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in errors):
        return BadRequest("The body is not valid JSON.")
    listed = field_errors(errors)
    return Invalid("The request does not have the form it needs.", errors=listed)
