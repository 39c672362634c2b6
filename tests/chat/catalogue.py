"""One well-formed request of each of the protocol's types, and each of the chat's routes."""

from typing import Final

from tests.chat.client import Document, message, thread_request

ROUTES: Final = (
    ("POST", "/api/chatkit"),
    ("POST", "/api/{user}/chat"),
    ("POST", "/api/{user}/chat/session"),
    ("POST", "/api/chatkit/session"),
    ("POST", "/api/chatkit/refresh"),
    ("POST", "/api/chatkit/threads/{thread}/stop"),
    ("GET", "/api/chatkit/threads/{thread}/run"),
    ("GET", "/api/chatkit/runs/{run}/events"),
)
"""Every route that needs a token, as (method, path)."""


def every_request(thread_id: str, item_id: str, attachment_id: str = "atc_x") -> list[Document]:
    """A request of each type, about a thread and an item in it where it is about any."""
    row = {"ticket_id": "tck_x", "title": "printer"}
    action = {"item_id": item_id, "action": {"type": "ticket.close", "payload": row}}
    return [
        {"type": "threads.create", "params": {"input": message("hello")}},
        {"type": "threads.list", "params": {"limit": 5, "order": "asc"}},
        thread_request("threads.add_user_message", thread_id, input=message("hello")),
        thread_request("threads.add_client_tool_output", thread_id, result={"ok": True}),
        thread_request(
            "threads.add_structured_input",
            thread_id,
            item_id=item_id,
            input={"status": "answered", "answers": {"delete": {"values": ["Delete them"]}}},
        ),
        thread_request("threads.retry_after_item", thread_id, item_id=item_id),
        thread_request("threads.custom_action", thread_id, **action),
        thread_request("threads.sync_custom_action", thread_id, **action),
        thread_request("threads.get_by_id", thread_id),
        thread_request("threads.update", thread_id, title="Renamed"),
        thread_request("threads.delete", thread_id),
        thread_request("items.list", thread_id, limit=5, order="desc", after=item_id),
        thread_request("items.feedback", thread_id, item_ids=[item_id], kind="positive"),
        {
            "type": "attachments.create",
            "params": {"name": "a.txt", "size": 3, "mime_type": "text/plain"},
        },
        {"type": "attachments.delete", "params": {"attachment_id": attachment_id}},
        {
            "type": "input.transcribe",
            "params": {"audio_base64": "AAAA", "mime_type": "audio/webm;codecs=opus"},
        },
    ]
