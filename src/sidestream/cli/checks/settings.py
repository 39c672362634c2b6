"""Settings as the functions read them, for as far as they can be read: one that is missing is said,
and the checks that do not need it go on."""

import re
from dataclasses import dataclass
from typing import Any, Final

from sidestream.cli.checks.finding import Finding, Unchecked, failed, ok
from sidestream.config import ChatSettings, SettingsError, secret_arns
from sidestream.secrets_manager import ARN_SUFFIX

_NAMED: Final = re.compile(r"The setting ([A-Z_]+) ")
_STAND_INS: Final[dict[str, Any]] = {
    "database_url": "",
    "tool_signing_key": "-" * 32,
    "session_signing_key": "-" * 32,
    "auth_issuers": (),
    "tools_mcp_url": "http://127.0.0.1:9/mcp",
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was read. `settings` is None when nothing could be; `unknown` are the names of those
    that are missing or malformed, which have a stand-in that must not be used; `problems` says
    what is wrong with them."""

    settings: ChatSettings | None
    unknown: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()

    def require(self, *names: str) -> ChatSettings:
        """Give the settings when they have all of these. Raises `Unchecked`."""
        lacking = self.unknown & set(names)
        if self.settings is None or lacking:
            which = ", ".join(sorted(name.upper() for name in lacking)) or "the settings"
            raise Unchecked(f"Needs {which} here.")
        return self.settings

    def get(self, *names: str) -> ChatSettings | None:
        """Give the settings when they have all of these."""
        return None if self.unknown & set(names) else self.settings


def read() -> Configuration:
    """Read the settings of the chat from the environment, and its secrets."""
    given: dict[str, Any] = {}
    problems: list[str] = []
    while True:
        try:
            return Configuration(ChatSettings.load(**given), frozenset(given), tuple(problems))
        except SettingsError as error:
            problems.append(str(error))
            names = {name.lower() for name in _NAMED.findall(str(error))} - given.keys()
        except Exception as error:  # the AWS SDK without a region, for one
            problems.append(f"Secrets Manager cannot be asked ({type(error).__name__}).")
            names = {name for name, _ in secret_arns()} - given.keys()
        if not names:  # JSON that cannot be read stops all of it
            return Configuration(None, frozenset(), tuple(dict.fromkeys(problems)))
        given |= {name: _stand_in(name) for name in names}


def _stand_in(name: str) -> Any:
    return _STAND_INS.get(name, ChatSettings.model_fields[name].get_default())


async def configuration(found: Configuration) -> Finding:
    """Whether every setting is there and well-formed, unless there is none at all."""
    if found.unknown >= _STAND_INS.keys():
        names = ", ".join(name.upper() for name in _STAND_INS)
        raise Unchecked(f"Set the functions' settings here to check those as well: {names}.")
    if found.problems:
        return failed(" ".join(found.problems))
    return ok("Every setting that is needed is there.")


async def secrets(found: Configuration) -> Finding:
    """Whether every secret is there, and where from. Never what it is."""
    arns = dict(secret_arns())
    lacking = [name.upper() for name in arns if name in found.unknown or not found.settings]
    if lacking:
        return failed(
            f"{', '.join(lacking)} cannot be read from Secrets Manager: look at "
            f"{lacking[0]}{ARN_SUFFIX} and at what these credentials may read."
        )
    names = ("database_url", "tool_signing_key", "session_signing_key", "openai_api_key")
    settings = found.require(*names)
    empty = [name.upper() for name in names if not getattr(settings, name).get_secret_value()]
    if empty:
        return failed(f"Set {' and '.join(empty)}, or {empty[0]}{ARN_SUFFIX}.")
    if settings.tool_signing_key == settings.session_signing_key:
        return failed("Give TOOL_SIGNING_KEY and SESSION_SIGNING_KEY different values.")
    return ok(f"All {len(names)} are there, {len(arns)} of them from Secrets Manager.")
