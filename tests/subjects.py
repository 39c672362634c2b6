"""Subjects as sign-ins choose them: opaque, and hard on paths."""

from typing import Final

SUBJECTS: Final = (
    "auth0|12345",
    "https://id.example/users/1234",  # CILogon
    "spiffe://example.org/ns/prod/sa/web",
    "someone@example.org",
    "a/tasks/tsk_1",
    "a/chat/session",
    "chatkit",
    "/leading/and/trailing/",
    " spaces  within ",
    "%2F",
    "%252e",
    "100%",
    "a?b=c&d#e;f=g",
    "a+b:c,d\\e\"f'g<h>{i}`j^k~l",
    "..",
    ".",
    "a/../b",
    "علی رضا",
    "می‌خواهم",  # with a zero-width non-joiner, as Persian spells it
    "😀",
    "x" * 255,
    "ش" * 255,
)
