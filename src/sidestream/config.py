"""Settings: the one place that reads the environment.

`Settings` holds what both functions need, `ChatSettings` adds what the chat needs. A missing or
malformed value raises `SettingsError` with one sentence per setting that names it, and never its
value. Each secret may come from Secrets Manager instead: `DATABASE_URL_SECRET_ARN` for
`DATABASE_URL`, and so on. What was pasted along with a value is taken off (`pasted`).
"""

import json
import os
import re
from contextlib import suppress
from functools import cache, partial
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from sidestream import secrets_manager
from sidestream.issuer import KEYS_STALE_S, Issuer, check_issuers
from sidestream.limits import Limits
from sidestream.mcp_server import McpServer, secrets_of
from sidestream.pasted import cleaned, stripped
from sidestream.secret import Secret
from sidestream.setting_text import document, is_database_url, parts

MIN_KEY_BYTES = 32


class SettingsError(Exception):
    """A setting is missing or malformed. The text names it, and not its value."""

    reportable = True  # to Lambda: `sidestream.streaming.errors`


class DatabaseSettings(BaseModel):
    """What every function needs."""

    model_config = ConfigDict(frozen=True)

    stage: str = "local"
    database_url: SecretStr
    """The pooled connection, as the role `sidestream_app`, which row-level security binds."""
    database_pool_max: Annotated[int, Field(ge=1, le=50)] = 4
    database_timeout_s: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    """How long to wait for a connection while nothing comes from the database."""

    @field_validator("*", mode="before")
    @classmethod
    def _as_meant(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        name = str(info.field_name)
        if re.match(rf"(export\s+)?{name.upper()}\s*=", stripped(value)):
            raise ValueError("it begins with the setting's own name")
        kind = cls.model_fields[name].annotation
        if kind == tuple[str, ...]:
            return cleaned(parts(value))
        if kind in (tuple[Issuer, ...], tuple[McpServer, ...]):
            return cleaned(document(value))
        if name == "mcp_server_secrets":
            return json.dumps(cleaned(document(value)))
        return cleaned(value)

    @field_validator("tool_signing_key", "session_signing_key", check_fields=False)
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) < MIN_KEY_BYTES:
            raise ValueError(f"needs at least {MIN_KEY_BYTES} bytes")
        return value

    @field_validator("openai_api_key", check_fields=False)
    @classmethod
    def _fits_a_header(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not text.isascii() or " " in text:
            raise ValueError("a key has no spaces, and no characters beyond ASCII")
        return value

    @field_validator("database_url")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not is_database_url(value.get_secret_value()):
            raise ValueError(
                "it is postgresql://role:password@host/database, with %40 for an @ in the password"
                " and no other options than libpq's after a ?"
            )
        return value

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the environment, and the secrets it names. Raises `SettingsError`.

        What is `given`, by the field's name, is not looked for.
        """
        arns = {name: arn for name, arn in cls._secret_arns().items() if name not in given}
        try:
            secrets = secrets_manager.read(arns)
            return cls(**{**cls._environment(), **secrets, **given})
        except secrets_manager.SecretUnreadable as error:
            name = error.setting.upper()
            raise SettingsError(
                f"The setting {name} could not be read from Secrets Manager ({error.reason}); "
                f"look at {name}{secrets_manager.ARN_SUFFIX} and at what the function may read."
            ) from None
        except ValidationError as error:
            raise SettingsError(_sentences(error)) from None

    def secret(self, name: str) -> Secret:
        """Give a secret setting for use: one from Secrets Manager can be read again."""
        text: SecretStr = getattr(self, name)
        arn = self._secret_arns().get(name)
        read = partial(self._read_again, name, arn) if arn else None
        return Secret(text.get_secret_value(), name.upper(), read)

    def _read_again(self, name: str, arn: str) -> tuple[str, ...]:
        """Read what `Secret` asks for. Raises `SecretUnreadable` and `SettingsError`."""
        current, *before = secrets_manager.read_versions(name, arn)
        texts = [self._checked(name, current)]
        with suppress(SettingsError):
            texts += [self._checked(name, text) for text in before]
        return tuple(dict.fromkeys(texts))

    def _checked(self, name: str, text: str) -> str:
        try:
            changed = type(self).model_validate({**dict(self), name: text})
        except ValidationError as error:
            raise SettingsError(_sentences(error)) from None
        value: SecretStr = getattr(changed, name)
        return value.get_secret_value()

    @classmethod
    def _environment(cls, suffix: str = "") -> dict[str, str]:
        """Give the variables that have something in them, by the field's name."""
        texts = {name: os.environ.get(name.upper() + suffix, "") for name in cls.model_fields}
        return {name: text for name, text in texts.items() if stripped(text)}

    @classmethod
    def _secret_arns(cls) -> dict[str, str]:
        """Give the ARN of each secret setting that has one."""
        return {
            name: stripped(arn)
            for name, arn in cls._environment(secrets_manager.ARN_SUFFIX).items()
            if cls.model_fields[name].annotation is SecretStr
        }


class Settings(DatabaseSettings):
    """What both functions that serve requests need."""

    tool_signing_key: SecretStr
    """HS256 secret of the 60-second tokens with which the chat calls the task tools."""
    auth_issuers: tuple[Issuer, ...]
    """Whose tokens are accepted, as a JSON list: see `Issuer`. The order counts: the people of the
    first have their subjects as user ids (`UserIds`)."""
    auth_keys_stale_s: Annotated[float, Field(ge=60, le=604_800)] = KEYS_STALE_S
    """For how long an issuer's keys are believed that can no longer be read."""
    cors_origins: tuple[str, ...] = ()
    """Origins for the app's own CORS middleware, comma-separated. Empty where the Function URL
    answers CORS: exactly one place may."""
    mcp_allowed_hosts: tuple[str, ...] = ()
    """`Host` values served at `/mcp`, comma-separated, `name:*` for any port. Empty: every one."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=6_000_000)] = 1_000_000
    max_page_bytes: Annotated[int, Field(ge=10_000, le=5_000_000)] = 1_000_000
    """A page of items, of conversations or of a domain's things, and the history that a run reads;
    at least one of them comes, whatever its size."""

    @field_validator("auth_issuers")
    @classmethod
    def _told_apart(cls, value: tuple[Issuer, ...]) -> tuple[Issuer, ...]:
        check_issuers(value)
        return value


class ReplaySettings(BaseModel):
    """What those need who read the events of runs, and who remove them."""

    event_hours: Annotated[int, Field(ge=24, le=8_760)] = 24
    """How long after its end the events of a run are kept, and its idempotency key."""


class TidySettings(DatabaseSettings, ReplaySettings):
    """What the job that tidies needs: where, and how long what is kept."""

    attachments_bucket: str = ""
    """The S3 bucket of attachments. Empty: there are none."""
    run_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    """How long after its end a run is kept, and what was spent on its day."""
    unsent_file_hours: Annotated[int, Field(ge=24, le=8_760)] = 24
    """How long a file is kept that no message took."""


class ChatSettings(Settings, Limits, ReplaySettings):
    """What ChatFunction needs besides."""

    session_signing_key: SecretStr
    """HS256 secret of the session tokens that the issuer gives to the page."""
    session_ttl_s: Annotated[int, Field(ge=60, le=3600)] = 600
    session_max_age_s: Annotated[int, Field(ge=600, le=604_800)] = 43_200
    """How long a session may be refreshed by its own token before the person has to sign in."""
    domain: str = "sidestream.tasks"
    """The package of the domain: its pack is what the chat knows of it."""
    tools_mcp_url: HttpUrl
    """The MCP endpoint of TasksFunction, with its path."""
    tools_mcp_auth: Literal["bearer", "sigv4"] = "bearer"
    """`sigv4` signs each call for a Function URL with `AWS_IAM`."""
    mcp_servers: tuple[McpServer, ...] = ()
    """Further MCP servers, as a JSON list: see `McpServer`."""
    mcp_server_secrets: Annotated[SecretStr, Field(validate_default=True)] = SecretStr("")
    """JSON object: the secret of each of `mcp_servers` that needs one, by its name."""

    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: HttpUrl | None = None
    openai_chatkit_workflow_id: str = ""
    model: str = "gpt-5.6-luna"
    models: tuple[str, ...] = ()
    """Models a person may choose between, comma-separated. `model` is always among them."""
    model_api: Literal["responses", "chat_completions"] = "responses"
    model_timeout_s: Annotated[float, Field(gt=0, le=900)] = 60.0
    model_max_retries: Annotated[int, Field(ge=0, le=5)] = 2
    attachments_bucket: str = ""
    """The S3 bucket of attachments. Empty: there are none."""
    scripted_model: bool = False
    """Whether the model is the local system's scripted one, which the page then says."""
    transcription_model: str = "gpt-4o-mini-transcribe"
    """OpenAI's model for dictation, which also needs the key. `none`: there is no dictation."""
    run_lease_s: Annotated[float, Field(ge=2, le=120)] = 15.0
    run_beat_s: Annotated[float, Field(ge=0.1, le=1.0)] = 0.9
    """How often a run renews its lease, saves its frames and looks for a stop."""
    stream_beat_s: Annotated[float, Field(ge=0.05, le=20)] = 15.0
    """After how long a silence a stream says that it lives. Clients take one for dead that is
    silent for 50 s."""
    deadline_margin_s: Annotated[float, Field(ge=3, le=60)] = 4.0
    """How long before the function's deadline a run is saved and ended."""
    ttft_target_ms: Annotated[int, Field(ge=1)] = 500

    @field_validator("tools_mcp_auth")
    @classmethod
    def _has_a_url_to_sign_for(cls, value: str, info: ValidationInfo) -> str:
        url: HttpUrl | None = info.data.get("tools_mcp_url")
        if value == "sigv4" and url and (url.host or "").split(".")[1:2] != ["lambda-url"]:
            raise ValueError("with sigv4, TOOLS_MCP_URL must be a Function URL")
        return value

    @field_validator("mcp_servers")
    @classmethod
    def _named_apart(cls, value: tuple[McpServer, ...]) -> tuple[McpServer, ...]:
        if len({server.name for server in value}) != len(value):
            raise ValueError("two servers have the same name")
        return value

    @field_validator("mcp_server_secrets")
    @classmethod
    def _there_for_each(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secrets = secrets_of(value.get_secret_value())
        for server in info.data.get("mcp_servers", ()):
            secret = secrets.get(server.name)
            if server.needs_secret and not secret:
                raise ValueError(f"it has no secret for {server.name} of MCP_SERVERS")
            if server.auth == "user" and len(str(secret).encode()) < MIN_KEY_BYTES:
                raise ValueError(f"the secret for {server.name} needs at least 32 bytes")
        return value

    def server_secret(self, server: str) -> Secret:
        """Give the secret of one of `mcp_servers` that needs one."""
        name = "mcp_server_secrets"
        arn = self._secret_arns().get(name)

        def read() -> tuple[str, ...]:
            return tuple(secrets_of(text)[server] for text in self._read_again(name, str(arn)))

        secrets = secrets_of(self.mcp_server_secrets.get_secret_value())
        return Secret(secrets[server], name.upper(), read if arn else None)

    @property
    def allowed_models(self) -> tuple[str, ...]:
        """The models a request may name, the default first."""
        return (self.model, *(name for name in self.models if name != self.model))

    @property
    def dictation(self) -> bool:
        """Whether speech can be turned into text here."""
        wanted = self.transcription_model != "none"
        return wanted and bool(self.openai_api_key.get_secret_value())


_SAID: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "it is required",
    "model_type": "it is an object in braces",
    "tuple_type": "it is a list in brackets",
}
"""What pydantic says of a kind of error in Python's words."""


def _sentences(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        name, *inner = [str(part) for part in item["loc"]] or ["the environment"]
        where = f" ({'.'.join(inner)})" if inner else ""
        missing = item["type"] == "missing" and not inner
        said = _SAID.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        reason = "is missing" if missing else f"is not valid{where}: {said}"
        lines.append(f"The setting {name.upper()} {reason}.")
    return " ".join(dict.fromkeys(lines))


@cache
def settings() -> Settings:
    """Give the settings of this process (TasksFunction)."""
    return Settings.load()


@cache
def chat_settings() -> ChatSettings:
    """Give the settings of this process (ChatFunction)."""
    return ChatSettings.load()


def refresh() -> None:
    """Forget the settings, so that the next use reads the environment and the secrets again."""
    settings.cache_clear()
    chat_settings.cache_clear()


def secret_arns() -> tuple[tuple[str, str], ...]:
    """Give each secret setting that the environment names by ARN, with the ARN."""
    return tuple(ChatSettings._secret_arns().items())
