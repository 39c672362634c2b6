"""Test knobs: platform faults that a runtime must survive, on demand.

Nothing here happens by itself. A test sets a field of `FunctionUrl.faults`; the next matching event
consumes it.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """Faults to play, each a count or a switch that starts at "none".

    `stale_responses`: so many of the next `/response` and `/error` posts are answered 410 Gone, as
    Lambda answers a runtime whose invocation has timed out meanwhile; the client gets the time-out.

    `refused_next`: so many of the next `/next` requests are answered 403; a runtime should exit.

    `cut_response_after_bytes`: the next response's connection is reset once the runtime has sent so
    many bytes of it, as Lambda does to interrupt a runtime; the environment itself stays.

    `hang_on_empty_body`: a streamed response without a body keeps the client waiting until the
    function's timeout. Some AWS accounts do this and others do not; never consumed.
    """

    stale_responses: int = 0
    refused_next: int = 0
    cut_response_after_bytes: int | None = None
    hang_on_empty_body: bool = False

    def take_stale_response(self) -> bool:
        """Whether this response is to be called stale."""
        taken = self.stale_responses > 0
        self.stale_responses -= taken
        return taken

    def take_refused_next(self) -> bool:
        """Whether this `/next` is to be refused."""
        taken = self.refused_next > 0
        self.refused_next -= taken
        return taken

    def take_cut(self) -> int | None:
        """After how many bytes this response is to be cut, if it is."""
        after_bytes, self.cut_response_after_bytes = self.cut_response_after_bytes, None
        return after_bytes
