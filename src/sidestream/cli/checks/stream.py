"""Whether an answer really streams: when its pieces arrive, seen from where the page is.

A buffered answer is right in every byte; only the arrival times tell. The first event of a run is
sent before the model is asked, so in a stream it comes long before the last word, however slow the
model is, and in a buffered answer at the same moment.
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Final

import httpx2

from sidestream import network
from sidestream.cli.bearer import Bearer
from sidestream.cli.checks.finding import Broken, Finding, failed, ok, unchecked
from sidestream.cli.events import Event, events_async
from sidestream.cli.message import first_message
from sidestream.cli.tail import Tail
from sidestream.headers import SERVER_TIMING, THREAD_ID

_MESSAGE: Final = "Tell me a story of 150 words."
_TIMEOUT: Final = httpx2.Timeout(60.0, connect=10.0)
_MIN_WORDS: Final = 10
_MIN_PIECES: Final = 4
_MIN_SHARE: Final = 0.1


@dataclass(slots=True)
class Arrivals:
    """What came of one answer, in seconds since it was asked for: the first event, and each piece
    that had words in it. `words` counts the text deltas, `piece_has_words` tells whether the last
    piece had any, `ended` whether the stream said at its end that it is whole."""

    first_event_s: float | None = None
    pieces_s: list[float] = field(default_factory=list)
    piece_has_words: bool = False
    words: int = 0
    ended: bool = False
    cold: bool = False
    error: str = ""


async def streams(url: str, token: str | None) -> Finding:
    """Ask for a longer answer, and judge by when it arrived."""
    if not token:
        return unchecked("Give a token of yours with --token.")
    auth = Bearer(token)
    async with network.async_client(url, base_url=url, auth=auth, timeout=_TIMEOUT) as client:
        try:
            arrivals = await _answer(client)
            if arrivals.cold:  # waiting for a function to start is no sign of buffering
                arrivals = await _answer(client)
        except httpx2.HTTPError as error:
            raise Broken(f"The answer broke off ({type(error).__name__}): see the logs.") from None
    return judge(arrivals)


def judge(arrivals: Arrivals) -> Finding:
    """Say what arrivals mean."""
    if arrivals.error:
        return failed(arrivals.error)
    if arrivals.first_event_s is None or arrivals.words < _MIN_WORDS:
        return unchecked("The model's answer was too short to tell.")
    first, last = arrivals.first_event_s, arrivals.pieces_s[-1]
    if (last - first) / last < _MIN_SHARE or len(arrivals.pieces_s) < _MIN_PIECES:
        return failed(
            f"The answer came in one piece after {last:.1f} s: set InvokeMode RESPONSE_STREAM, and "
            "let no proxy hold it back (STREAM_PREAMBLE_BYTES helps with some)."
        )
    if not arrivals.ended:
        return failed(
            "The answer's last line did not come, by which the page knows that it is whole: let no "
            "proxy change event streams, or end them."
        )
    return ok(
        f"{arrivals.words} words came in {len(arrivals.pieces_s)} pieces, the first after "
        f"{arrivals.pieces_s[0] * 1000:.0f} ms and the last after {last * 1000:.0f} ms."
    )


async def _answer(client: httpx2.AsyncClient) -> Arrivals:
    """Ask, note what arrives when, and delete the thread again."""
    body = first_message(_MESSAGE)
    headers = {"idempotency-key": uuid.uuid4().hex, "accept": "text/event-stream"}
    arrivals = Arrivals()
    started = time.perf_counter()
    async with client.stream("POST", "/api/chatkit", json=body, headers=headers) as response:
        if response.status_code in (401, 403):
            return Arrivals(error="The endpoint refuses the token: see the sign-in and the clock.")
        if not response.is_success:
            return Arrivals(error=f"The endpoint answered {response.status_code}: see its logs.")
        arrivals.cold = response.headers.get(SERVER_TIMING, "").startswith("cold")
        thread_id = response.headers.get(THREAD_ID)
        tail, size = Tail(response), 0
        async for event in events_async(response):
            # Events that are read without another byte having come arrived in one piece.
            in_new_piece = response.num_bytes_downloaded != size
            size = response.num_bytes_downloaded
            _note(arrivals, event, time.perf_counter() - started, in_new_piece=in_new_piece)
        arrivals.ended = tail.has_ended
    if thread_id:
        params = {"thread_id": thread_id}
        await client.post("/api/chatkit", json={"type": "threads.delete", "params": params})
    return arrivals


def _note(arrivals: Arrivals, event: Event, now_s: float, *, in_new_piece: bool) -> None:
    if arrivals.first_event_s is None:
        arrivals.first_event_s = now_s
    arrivals.piece_has_words = arrivals.piece_has_words and not in_new_piece
    if _is_word(event):
        arrivals.words += 1
        if not arrivals.piece_has_words:
            arrivals.pieces_s.append(now_s)
        arrivals.piece_has_words = True
    if event.get("type") == "error":
        arrivals.error = "The answer ended in an error: look at the function's logs and the model."


def _is_word(event: Event) -> bool:
    update = event.get("update")
    kind = update.get("type") if isinstance(update, dict) else None
    return kind == "assistant_message.content_part.text_delta"
