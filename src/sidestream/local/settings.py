"""What a person may decide about the local system: options of the command, and their own settings.

The functions' settings have the same names here as in the cloud. What a person exports, or writes
into `.env` beside the Makefile, reaches the functions; what the local system itself provides
(database, keys, addresses) does not.
"""

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values

from sidestream.config import ChatSettings, TidySettings
from sidestream.domain import Domain, load
from sidestream.local.errors import LocalSystemError
from sidestream.pasted import stripped
from sidestream.setting_text import document

PROVIDED: Final = frozenset(
    {
        "ATTACHMENTS_BUCKET",
        "CORS_ORIGINS",
        "DATABASE_URL",
        "SCRIPTED_MODEL",
        "SESSION_SIGNING_KEY",
        "STAGE",
        "TOOLS_MCP_URL",
        "TOOL_SIGNING_KEY",
    }
)
"""Settings that the local system gives its functions itself."""

PROJECT: Final = Path(__file__).parents[3]
"""The checkout: `layers/`, `src/` and `frontend/` are in it."""


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """How the local system runs. A port of 0 means any that is free.

    `settings` are the functions' settings by name. Without `OPENAI_API_KEY` among them the scripted
    model answers, one word every `model_delay_ms`. `environments` is how many processes of each
    function may run at a time. `durable=False` gives up the database's safety in a power failure.
    What nobody needs any more goes `tidy_every_s`; None: only when asked.
    With `secrets_manager` the functions read their secrets from Secrets Manager, as on AWS.
    `engine` is the socket of the container engine in which `sam local` runs them, if any.
    """

    folder: Path = Path(".local")
    chat_port: int = 8701
    tools_port: int = 8702
    web_port: int = 3000
    web: bool = False
    freeze: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    model_delay_ms: float = 30
    environments: int = 20
    durable: bool = True
    tidy_every_s: float | None = 3600.0
    secrets_manager: bool = False
    engine: Path | None = None

    @property
    def scripted(self) -> bool:
        """Whether the scripted model answers."""
        return not self.settings.get("OPENAI_API_KEY")

    @property
    def domain(self) -> str:
        """The package of the domain."""
        default: str = ChatSettings.model_fields["domain"].default
        return self.settings.get("DOMAIN") or default

    @property
    def issuers(self) -> list[Any]:
        """The person's own sign-ins (`AUTH_ISSUERS`), which come after those of the system. Raises
        `LocalSystemError`; what is in the list is for the functions to judge."""
        try:
            listed = document(self.settings.get("AUTH_ISSUERS") or "[]")
        except ValueError as error:
            raise LocalSystemError(f"The setting AUTH_ISSUERS is not valid: {error}.") from None
        if not isinstance(listed, list):
            raise LocalSystemError(
                "The setting AUTH_ISSUERS is not valid: it is a list in brackets."
            )
        return listed


def personal_settings(project: Path = PROJECT, *, foreign: Collection[str] = ()) -> dict[str, str]:
    """The functions' settings that a person made: `.env` of the project, then the environment,
    without what is `foreign` there."""
    fields = {**ChatSettings.model_fields, **TidySettings.model_fields}
    names = {name.upper() for name in fields} - PROVIDED
    shell = {name: value for name, value in os.environ.items() if name not in foreign}
    values = {**dotenv_values(project / ".env"), **shell}
    return {name: value for name in sorted(names) if stripped(value := values.get(name) or "")}


def foreign_domain() -> str:
    """The DOMAIN of the person's shell if it is another program's: no package of that name has a
    pack. Some machines export one, with the name of a network in it."""
    package = os.environ.get("DOMAIN", "").strip()
    _reach_the_checkout()
    try:
        known = not package or find_spec(f"{package}.pack") is not None
    except (ImportError, ValueError):
        known = False
    return "" if known else package


def load_domain(package: str) -> Domain:
    """Give the domain of a package, which may be one of the checkout (`examples.tickets`).

    Raises `DomainError`.
    """
    _reach_the_checkout()
    return load(package)


def _reach_the_checkout() -> None:
    if str(PROJECT) not in sys.path:
        sys.path.append(str(PROJECT))
