"""Keys: what the file of an attachment is called in the bucket."""

import hashlib
from typing import Final

FOLDER: Final = "attachments/"
"""What every key begins with."""


def key_of(user_id: str, attachment_id: str) -> str:
    """Give the key of an attachment's file: below its owner's hash."""
    owner = hashlib.sha256(user_id.encode()).hexdigest()[:32]
    return f"{FOLDER}{owner}/{attachment_id}"


def id_in(key: str) -> str:
    """Give the id of the attachment whose file has a key."""
    return key.rpartition("/")[2]
