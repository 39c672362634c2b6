"""What a request's body has to be: JSON, as it is."""

from typing import Final

from starlette.datastructures import Headers

from sidestream.problems import UnsupportedMedia

JSON: Final = "application/json"


def check_json(headers: Headers, *others: str) -> None:
    """Raise `UnsupportedMedia` for a body that is said not to be JSON, or one of `others`. Without
    a word about its type it is taken for what it has to be (RFC 9110, 8.3)."""
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media not in (JSON, *others):
        raise UnsupportedMedia("Send application/json.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body without a content encoding.")
