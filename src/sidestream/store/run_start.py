"""What a run begins with, and what comes of that."""

from dataclasses import dataclass

from chatkit.types import ThreadItem, ThreadMetadata, UserMessageItem


@dataclass(frozen=True, slots=True)
class RunStart:
    """What a run begins with.

    `new_thread` makes the thread; without it `thread_id` has to be the caller's and active. `item`
    is the new user message, absent when a run goes on without one (a retry, an answer to a
    question); `items_to_save` are saved before it, in place when they exist. `pending` names an
    item that has to wait for an answer still, `until` the last item to load where it is not the
    newest one. `request_hash` tells whether a repeated
    `idempotency_key` comes with the same request. A limit of None is no limit.
    `reserved_tokens` are counted until it is known what the run spent, so that runs that begin at
    once see each other.
    """

    run_id: str
    thread_id: str
    new_thread: ThreadMetadata | None = None
    item: UserMessageItem | None = None
    items_to_save: tuple[ThreadItem, ...] = ()
    pending: str | None = None
    until: str | None = None
    idempotency_key: str | None = None
    request_hash: bytes | None = None
    lease_s: float = 30.0
    history_limit: int = 40
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    reserved_tokens: int = 0


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A run that has begun: its thread and the last items, oldest first, new ones included.

    `latest` is the id of the thread's newest item, where those up to another one were asked for.
    """

    run_id: str
    thread: ThreadMetadata
    items: tuple[ThreadItem, ...]
    latest: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """An earlier run answered this very request: play back its events instead.

    `status` is completed, stopped or failed.
    """

    run_id: str
    thread_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The thread's last run died, and has to be settled first."""

    run_id: str
