"""Checks recorded ChatKit traffic against ChatKit's own models.

Reads `{"requests": [...], "frames": [...]}` (JSON texts) from standard input and writes how many of
each are valid; the first that is not ends the check with its validation error.
"""

import json
import sys

from chatkit.types import ChatKitReq, ThreadStreamEvent
from pydantic import TypeAdapter

REQUEST: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)
EVENT: TypeAdapter[ThreadStreamEvent] = TypeAdapter(ThreadStreamEvent)


def main() -> None:
    """Check everything."""
    traffic = json.load(sys.stdin)
    for text in traffic["requests"]:
        REQUEST.validate_json(text)
    for text in traffic["frames"]:
        EVENT.validate_json(text)
    counts = {kind: len(texts) for kind, texts in traffic.items()}
    sys.stdout.write(json.dumps(counts))


if __name__ == "__main__":
    main()
