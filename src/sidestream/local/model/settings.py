"""What the scripted model can be told: its pace, key, models and clock, and whom it understands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sidestream.local.model.policy import Grammar


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """An entry of `GET /v1/models`; `shutdown_date` is an ISO date, None when none is set."""

    id: str
    shutdown_date: str | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Settings of one scripted model.

    `delay_ms` is the pause before every streamed word but the first. `api_key` is the only key
    accepted, any when None. A request may name a model that is not listed: it is answered all the
    same. `grammar` is how a domain's people are understood; without it the model makes the calls
    that it is told to, and small talk.
    """

    delay_ms: float = 30
    api_key: str | None = None
    models: tuple[ModelEntry, ...] = (
        ModelEntry("gpt-5.6-luna"),
        ModelEntry("gpt-5-nano", shutdown_date="2026-12-11"),
        ModelEntry("gpt-4.1-nano", shutdown_date="2026-10-23"),
    )
    now: Callable[[], datetime] = _utc_now
    grammar: Grammar | None = None
