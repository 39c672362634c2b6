"""`endpoints.json`: where a running local system can be reached.

The file is there exactly while the system is ready, so its presence is the signal that scripts and
tests wait for. After a hard kill it stays behind until the next start.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from sidestream.local.keys import write_private


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs without a slash at their end; `web` is None when the page does not run.

    `domain` is the domain's package. In the file its tools' URL stands under the domain's `name`.
    `database_url` is the tables' owner, who sees every row; `app_database_url` is the functions'
    role, which sees one user's. `model` is None when the model is not the scripted one. `secrets`
    has the ARN of each secret that is kept in Secrets Manager, by its setting. `pids` has the
    processes that a person may want to know of.
    """

    chat: str
    tools: str
    web: str | None
    database_url: str
    app_database_url: str
    auth: str
    model: str | None
    aws: str
    secrets: dict[str, str]
    pids: dict[str, int]
    domain: str
    name: str

    @classmethod
    def takes(cls, name: str) -> bool:
        """Whether a domain may have a name: the file has nothing else under it."""
        return name not in {field.name for field in fields(cls)} - {"tools"}

    def write(self, folder: Path) -> None:
        """Publish, in one step."""
        document = asdict(self)
        document[self.name] = document.pop("tools")
        write_private(_path(folder), json.dumps(document, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Give the endpoints of the system that runs in a folder, None when there is none."""
        try:
            document = json.loads(_path(folder).read_text())
            endpoints = cls(tools=document.pop(document["name"]), **document)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return endpoints if _is_alive(endpoints.pids.get("sidestream", 0)) else None

    @staticmethod
    def remove(folder: Path) -> None:
        """Take the file away. No error when it is not there."""
        _path(folder).unlink(missing_ok=True)


def own_pid() -> dict[str, int]:
    """The entry of `pids` for this process."""
    return {"sidestream": os.getpid()}


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _path(folder: Path) -> Path:
    return folder / "endpoints.json"
