"""The secrets of one local system: made once, readable by their owner alone, kept between runs.

In the cloud these are generated secrets in Secrets Manager.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """The secrets of both kinds of token and of the page, and the sign-in's Ed25519 key (hex)."""

    tool_signing_key: str
    session_signing_key: str
    page_secret: str
    sign_in_key: str

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Give the keys kept in a folder, made now if there are none."""
        path = folder / "keys.json"
        if path.exists():
            return cls(**json.loads(path.read_text()))
        keys = cls(
            tool_signing_key=secrets.token_urlsafe(48),
            session_signing_key=secrets.token_urlsafe(48),
            page_secret=secrets.token_urlsafe(48),
            sign_in_key=Ed25519PrivateKey.generate().private_bytes_raw().hex(),
        )
        write_private(path, json.dumps(asdict(keys), indent=2))
        return keys


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, with mode 0600: a reader sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.rename(path)
