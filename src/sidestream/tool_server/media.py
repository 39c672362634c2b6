"""What a request's body has to be, and what is answered: JSON, as it is."""

from typing import Final

from starlette.datastructures import Headers

from sidestream.problems import NotAcceptable, UnsupportedMedia

JSON: Final = "application/json"

_TAKES_JSON: Final = frozenset({JSON, "application/*", "*/*"})


def check_json(headers: Headers, *others: str) -> None:
    """Raise `UnsupportedMedia` for a body that is said not to be JSON, or one of `others`. Without
    a word about its type it is taken for what it has to be (RFC 9110, 8.3)."""
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media not in (JSON, *others):
        raise UnsupportedMedia("Send application/json.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body without a content encoding.")


def check_accept(headers: Headers) -> None:
    """Raise `NotAcceptable` for a client that names what it takes, and JSON is not among it (RFC
    9110, 12.5.1)."""
    named = ",".join(headers.getlist("accept"))
    taken = {each.partition(";")[0].strip().lower() for each in named.split(",")}
    if named.strip() and taken.isdisjoint(_TAKES_JSON):
        raise NotAcceptable("The answer is application/json.")
