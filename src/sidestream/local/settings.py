"""What a person may decide about the local system: options of the command, and their own settings.

The functions' settings have the same names here as in the cloud. What a person exports, or writes
into `.env` beside the Makefile, reaches the functions; what the local system itself provides
(database, keys, addresses) does not.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from sidestream.config import ChatSettings
from sidestream.domain import Domain, load
from sidestream.pasted import stripped

PROVIDED: Final = frozenset(
    {
        "ATTACHMENTS_BUCKET",
        "AUTH_ISSUERS",
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
    With `secrets_manager` the functions read their secrets from Secrets Manager, as on AWS.
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
    secrets_manager: bool = False

    @property
    def scripted(self) -> bool:
        """Whether the scripted model answers."""
        return not self.settings.get("OPENAI_API_KEY")

    @property
    def domain(self) -> str:
        """The package of the domain."""
        default: str = ChatSettings.model_fields["domain"].default
        return self.settings.get("DOMAIN") or default


def personal_settings(project: Path = PROJECT) -> dict[str, str]:
    """The functions' settings that a person made: `.env` of the project, then the environment."""
    names = {name.upper() for name in ChatSettings.model_fields} - PROVIDED
    values = {**dotenv_values(project / ".env"), **os.environ}
    return {name: value for name in sorted(names) if stripped(value := values.get(name) or "")}


def load_domain(package: str) -> Domain:
    """Give the domain of a package, which may be one of the checkout (`examples.tickets`).

    Raises `DomainError`.
    """
    if str(PROJECT) not in sys.path:
        sys.path.append(str(PROJECT))
    return load(package)
