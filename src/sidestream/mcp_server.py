"""A further MCP server, as the setting `MCP_SERVERS` describes it."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationInfo, field_validator

from sidestream.domain import Ask

_NAME: Final = r"^[a-z][a-z0-9-]{0,23}$"


class McpServer(BaseModel):
    """One entry: where the server is, how it is spoken to, and how its tools are treated.

    `auth` `bearer` sends the secret of the server's name in `MCP_SERVER_SECRETS`; `user` signs with
    that secret, for a minute, who is asking; `sigv4` signs for a Function URL with `AWS_IAM`.
    `tools` are those that are offered, all of them unless told. `ask` is for all of its tools, or
    by a tool's name: "always", "never", or how many calls of one answer need no question. The
    annotations of a server decide nothing unless it is `trusted`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: Annotated[str, Field(pattern=_NAME)]
    url: HttpUrl
    auth: Literal["none", "bearer", "user", "sigv4"] = "none"
    tools: tuple[str, ...] | None = None
    ask: Mapping[str, Ask] | Ask | None = None
    trusted: bool = False

    @field_validator("ask", mode="before")
    @classmethod
    def _as_policies(cls, value: Any) -> Mapping[str, Ask] | Ask | None:
        if isinstance(value, dict):
            return {tool: _ask(said) for tool, said in value.items()}
        return None if value is None else _ask(value)

    @field_validator("url")
    @classmethod
    def _signable(cls, value: HttpUrl) -> HttpUrl:
        if value.username or value.password:
            raise ValueError("a URL has no password in it: use auth bearer")
        return value

    @field_validator("auth")
    @classmethod
    def _has_a_url_to_sign_for(cls, value: str, info: ValidationInfo) -> str:
        url: HttpUrl | None = info.data.get("url")
        if value == "sigv4" and url and (url.host or "").split(".")[1:2] != ["lambda-url"]:
            raise ValueError("with sigv4, url must be a Function URL")
        return value

    @property
    def needs_secret(self) -> bool:
        """Whether `MCP_SERVER_SECRETS` has to have a secret for it."""
        return self.auth in ("bearer", "user")

    def ask_of(self, tool: str) -> Ask | None:
        """When a person is asked before calls of one of its tools. None: nobody has said."""
        return self.ask.get(tool) if isinstance(self.ask, Mapping) else self.ask


def _ask(said: Any) -> Ask:
    match said:
        case "always":
            return Ask.ALWAYS
        case "never":
            return Ask.NEVER
        case int() if not isinstance(said, bool) and said > 0:
            return Ask.OVER(said)
    raise ValueError('it is "always", "never", or a number of calls that need no question')


def secrets_of(text: str) -> dict[str, str]:
    """Read `MCP_SERVER_SECRETS`: a JSON object of secrets by the server's name. Raises
    `ValueError`, which does not quote it."""
    if not text:
        return {}
    try:
        secrets: Any = json.loads(text)
    except ValueError:
        raise ValueError("it is no JSON") from None
    if not isinstance(secrets, dict) or not all(
        isinstance(secret, str) and re.fullmatch(r"[!-~]+", secret) for secret in secrets.values()
    ):
        raise ValueError("it is a JSON object of secrets by the server's name, without spaces")
    return secrets
