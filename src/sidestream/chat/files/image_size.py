"""How large a picture is, as its file says: a file of some kilobytes may unpack to gigabytes."""

import io
import struct
from typing import Final

IMAGE_HEAD_BYTES: Final = 64 * 1024
"""How much of an image is read to know its size; what cameras write before it may be longer."""


def pixels_of(head: bytes) -> int | None:
    """Give width times height of an image that begins with these bytes; None where they do not
    say, or say that there is nothing."""
    # Imported on first use: most runs have no images.
    import imagesize  # type: ignore[import-untyped]

    try:
        width, height = imagesize.get(io.BytesIO(head))
    except (ValueError, OSError, struct.error):
        return None
    return width * height if width > 0 and height > 0 else None
