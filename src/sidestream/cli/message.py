"""A person's message as ChatKit's requests carry it (`UserMessageInput` of `chatkit.types`)."""

from collections.abc import Sequence
from typing import Any


def message(text: str, attachments: Sequence[str] = ()) -> dict[str, Any]:
    """Give the input of a message, with the ids of its files."""
    return {
        "content": [{"type": "input_text", "text": text}],
        "attachments": list(attachments),
        "inference_options": {},
    }


def first_message(text: str) -> dict[str, Any]:
    """Give the request that begins a thread with a message."""
    return {"type": "threads.create", "params": {"input": message(text)}}
