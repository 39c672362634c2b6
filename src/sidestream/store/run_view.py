"""A run as it is told: what others see of one, and what its own process learns and tells."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from .lease import DIED

type RunStatus = Literal["running", "completed", "stopped", "failed"]
type EndStatus = Literal["completed", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class BeatResult:
    """What a run learns from a beat: whether to stop, and whether it is still the thread's run."""

    stop_requested: bool
    still_owner: bool


@dataclass(frozen=True, slots=True)
class RunUsage:
    """What a run cost, in the model's tokens, and its time to first token in milliseconds."""

    input_tokens: int = 0
    output_tokens: int = 0
    ttft_ms: float | None = None


NO_USAGE: Final = RunUsage()


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as others see it. `last_event` is the number of the last frame saved, 0 for none."""

    run_id: str
    thread_id: str
    status: RunStatus
    stop_requested: bool
    last_event: int
    user_item_id: str | None
    started_at: datetime
    ended_at: datetime | None
    error: dict[str, Any] | None
    locale: str | None = None
    """The language of who began it; None for one of an older release."""
    kept_event: int | None = None
    """The number of the last frame that was saved before the run died, once it is settled."""
    unsettled: bool = False
    """Whether the run died and nobody has written down yet what it left."""

    @property
    def died(self) -> bool:
        """Whether the run ended with its process, and so without a last word."""
        return self.status == "failed" and (self.error or DIED) == DIED

    def lost_after(self, event: int) -> bool:
        """Whether who has seen a frame of this number saw more than the run had saved when it died:
        from there on the numbers are those of other frames."""
        return event > (self.last_event if self.kept_event is None else self.kept_event)


@dataclass(frozen=True, slots=True)
class RunEvents:
    """Frames of a run after a given one, each with its number, and the run as of the same moment.

    When `run.status` is not `running` and these have been read, there is no more to come.
    """

    run: RunView
    frames: tuple[tuple[int, str], ...]

    def forgotten(self, after: int) -> bool:
        """Whether frames after a given one are past keeping: a run that has ended had some."""
        if self.run.status == "running":
            return False
        first = self.frames[0][0] if self.frames else 0
        return self.run.last_event == 0 or first > after + 1
