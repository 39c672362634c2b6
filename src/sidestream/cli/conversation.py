"""The terminal's side of the ChatKit protocol: requests out, events in, over plain HTTP.

Works with any ChatFunction, local or deployed. Source of the protocol: `chatkit.types` of
openai-chatkit, whose models are not imported because they take a second to load.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, Self

import httpx2

from sidestream import network
from sidestream.cli.bearer import Bearer
from sidestream.cli.errors import CommandError
from sidestream.cli.events import Event
from sidestream.cli.message import message
from sidestream.cli.run_events import run_events
from sidestream.headers import THREAD_ID, TIME_ZONE
from sidestream.i18n import DEFAULT_LOCALE, tag

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 50.0  # a stream is never silent for longer than 20 s
_STOP_WAIT_S: Final = 10.0
_STOP_POLL_S: Final = 0.2


class Conversation:
    """One thread with the assistant. A context manager, which closes its connections.

    `thread_id` is None until the first message has made a thread. `time_zone` is the name of the
    person's, as far as it is known.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        thread_id: str | None = None,
        locale: str = DEFAULT_LOCALE,
        time_zone: str = "",
    ) -> None:
        self.thread_id = thread_id
        self._client = network.client(
            base_url,
            base_url=base_url.rstrip("/"),
            auth=Bearer(token),
            headers={
                "Accept-Language": tag(locale),
                TIME_ZONE: time_zone.encode(errors="replace"),
            },
            timeout=httpx2.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
        )

    def say(self, text: str, attachments: Sequence[str] = ()) -> Iterator[Event]:
        """Send a message and give the events of the answer as they come. Raises `CommandError`.

        `attachments` are the ids of files, as `attach` gave them.
        """
        given = {"input": message(_words(text), attachments)}
        if self.thread_id is None:
            return self._stream("threads.create", given)
        return self._stream("threads.add_user_message", {"thread_id": self.thread_id, **given})

    def attach(self, name: str, content: bytes, mime_type: str) -> str:
        """Upload a file for a message, and give its id. Raises `CommandError`."""
        params = {"name": name, "size": len(content), "mime_type": mime_type}
        try:
            announced = self._client.post(
                "/api/chatkit", json={"type": "attachments.create", "params": params}
            )
            if announced.is_error:
                raise CommandError(problem_sentence(announced))
            descriptor = announced.json()["upload_descriptor"]
            with network.client(descriptor["url"]) as storage:
                sent = storage.request(
                    descriptor["method"],
                    descriptor["url"],
                    content=content,
                    headers=descriptor["headers"],
                )
            if sent.is_error and sent.status_code != HTTPStatus.PRECONDITION_FAILED:
                raise CommandError(f"The file {name} could not be uploaded ({sent.status_code}).")
        except httpx2.HTTPError as error:
            raise CommandError(f"The file {name} could not be uploaded: {error}") from error
        return str(announced.json()["id"])

    def answer(self, item_id: str, answers: dict[str, list[str]]) -> Iterator[Event]:
        """Answer the assistant's question: chosen values by the id of each of its inputs."""
        submitted = {
            name: {"values": [_words(value) for value in values]}
            for name, values in answers.items()
        }
        params = {
            "thread_id": self.thread_id,
            "item_id": item_id,
            "input": {"status": "answered", "answers": submitted},
        }
        return self._stream("threads.add_structured_input", params)

    def stop(self) -> None:
        """Stop the answer in progress, and wait until it is saved. Gives up after 10 s."""
        if self.thread_id is None:
            return
        path = f"/api/chatkit/threads/{self.thread_id}"
        try:
            self._client.post(f"{path}/stop")
            deadline = time.monotonic() + _STOP_WAIT_S
            while time.monotonic() < deadline:
                run = self._client.get(f"{path}/run")
                if run.is_error or run.json()["status"] != "running":
                    return
                time.sleep(_STOP_POLL_S)
        except httpx2.HTTPError as error:
            raise CommandError(f"The answer could not be stopped: {error}") from error

    def delete(self) -> None:
        """Delete the thread, if there is one. Raises `CommandError`."""
        if self.thread_id is None:
            return
        body = {"type": "threads.delete", "params": {"thread_id": self.thread_id}}
        try:
            answer = self._client.post("/api/chatkit", json=body)
        except httpx2.HTTPError as error:
            raise CommandError(f"The conversation could not be deleted: {error}") from error
        if answer.is_error:
            raise CommandError(problem_sentence(answer))
        self.thread_id = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _stream(self, kind: str, params: dict[str, Any]) -> Iterator[Event]:
        # One key for each message: sent twice, it still runs once.
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Accept": "text/event-stream"}
        body = {"type": kind, "params": params}
        try:
            with self._client.stream(
                "POST", "/api/chatkit", json=body, headers=headers
            ) as response:
                if response.is_error:
                    response.read()
                    raise CommandError(problem_sentence(response))
                self.thread_id = response.headers.get(THREAD_ID, self.thread_id)
                for event in run_events(self._client, response):
                    if event.get("type") == "thread.created":
                        self.thread_id = event["thread"]["id"]
                    yield event
        except httpx2.HTTPStatusError as error:
            raise CommandError(f"The answer cannot be followed: {error}") from error
        except httpx2.ConnectError as error:
            raise CommandError(f"Nothing answers at {self._client.base_url}.") from error
        except httpx2.HTTPError as error:
            raise CommandError(f"The connection broke: {error or type(error).__name__}") from error


def problem_sentence(response: httpx2.Response) -> str:
    """What a problem document (RFC 9457) says, in one line; the status alone when it is none."""
    try:
        document = response.json()
        words = document.get("detail") or document["title"]
    except (ValueError, KeyError, AttributeError):
        return f"The server answered {response.status_code}."
    return f"{words} ({response.status_code})"


def _words(typed: str) -> str:
    """What was typed, as text: UTF-8 also where the locale names another encoding, or none, and
    what is no UTF-8 either is marked as such."""
    return typed.encode(errors="surrogateescape").decode(errors="replace")
