"""The two functions as the local system deploys them: what `template.yaml` says, on loopback.

ChatFunction starts through the real exec wrapper of `streaming/`, the domain's function through
AWS's own runtime client, on any system. Their environment is their configuration in the cloud with
local addresses, and the way out of this machine.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sidestream.config import TidySettings
from sidestream.domain import Domain
from sidestream.headers import BODY_HASH, CHAT_EXPOSES, TIME_ZONE, TOOLS_EXPOSE
from sidestream.identity import TOKEN_HEADER
from sidestream.local.aws import BUCKET
from sidestream.local.emulator import Cors, FunctionSpec, InvokeMode
from sidestream.local.environment import base, outward
from sidestream.local.keys import LocalKeys
from sidestream.local.settings import PROJECT, LocalOptions
from sidestream.local.sign_in import AUDIENCE, ISSUER, JWKS_PATH
from sidestream.secrets_manager import ARN_SUFFIX

CHAT: Final = "ChatFunction"
TIDY: Final = "TidyFunction"
TIDY_HANDLER: Final = "sidestream.chat.tidy.handler.handler"
WRAPPER: Final = "sidestream/streaming/stream-runtime"
SECRETS: Final = frozenset(
    {
        "DATABASE_URL",
        "MCP_SERVER_SECRETS",
        "OPENAI_API_KEY",
        "SESSION_SIGNING_KEY",
        "TOOL_SIGNING_KEY",
    }
)
SCRIPTED_MODEL_KEY: Final = "scripted-model"
_INIT_TIMEOUT_S: Final = 60.0  # a laptop's first start compiles; Lambda's 10 s are for its own


type SecretKeeper = Callable[[str, str], str]
"""Keeps a secret in Secrets Manager: its setting and its text in, its ARN out."""


@dataclass(frozen=True, slots=True)
class Backends:
    """Where the functions find what they use. `model_url` is None for the person's own model, and
    `secrets` when the functions are given their secrets themselves."""

    database_url: str
    sign_in_url: str
    aws_url: str
    model_url: str | None
    page_port: int
    secrets: SecretKeeper | None = None


def tools_function(
    options: LocalOptions, keys: LocalKeys, backends: Backends, domain: Domain
) -> FunctionSpec:
    """The function that serves a domain's tools: buffered, under `awslambdaric`."""
    return FunctionSpec(
        name=domain.function,
        command=(sys.executable, "-m", "sidestream.local.managed_runtime", domain.handler),
        handler=domain.handler,
        env=_kept(_shared(options, keys, backends), backends.secrets),
        cwd=PROJECT / "src",
        timeout_s=30.0,
        memory_mb=1024,
        max_environments=options.environments,
        cors=_cors(backends, ("GET", "POST", "PATCH", "DELETE"), TOOLS_EXPOSE),
        freeze=options.freeze,
        port=options.tools_port,
        init_timeout_s=_INIT_TIMEOUT_S,
    )


def chat_function(
    options: LocalOptions, keys: LocalKeys, backends: Backends, tools_url: str
) -> FunctionSpec:
    """ChatFunction: streamed, under the runtime of `sidestream.streaming`."""
    environment = {
        **_shared(options, keys, backends),
        "SESSION_SIGNING_KEY": keys.session_signing_key,
        "TOOLS_MCP_URL": f"{tools_url}/mcp",
        "ATTACHMENTS_BUCKET": BUCKET,
        "STREAM_APP": "sidestream.chat.handler:app",
        "STREAM_STRIP_CORS_HEADERS": "1",
    }
    if backends.model_url is not None:
        environment["OPENAI_API_KEY"] = SCRIPTED_MODEL_KEY
        environment["OPENAI_BASE_URL"] = backends.model_url
        environment["SCRIPTED_MODEL"] = "1"
        environment["TRANSCRIPTION_MODEL"] = "none"  # the scripted model cannot hear
    return FunctionSpec(
        name=CHAT,
        command=(),
        handler="stream-runtime",
        env=_kept(environment, backends.secrets),
        cwd=PROJECT / "src",
        timeout_s=300.0,
        memory_mb=1769,
        max_environments=options.environments,
        invoke_mode=InvokeMode.RESPONSE_STREAM,
        cors=_cors(backends, ("GET", "POST"), CHAT_EXPOSES),
        freeze=options.freeze,
        port=options.chat_port,
        exec_wrapper=PROJECT / "src" / WRAPPER,
        init_timeout_s=_INIT_TIMEOUT_S,
    )


def tidy_function(options: LocalOptions, backends: Backends) -> FunctionSpec:
    """The function that a schedule invokes, so that what nobody needs any more goes."""
    own = {name.upper() for name in TidySettings.model_fields}
    environment = {
        **base(),
        **{name: value for name, value in options.settings.items() if name in own},
        "STAGE": "local",
        "DATABASE_URL": backends.database_url,
        "ATTACHMENTS_BUCKET": BUCKET,
        "AWS_ENDPOINT_URL": backends.aws_url,
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "PYTHONPATH": str(PROJECT / "src"),
    }
    return FunctionSpec(
        name=TIDY,
        command=(sys.executable, "-m", "sidestream.local.managed_runtime", TIDY_HANDLER),
        handler=TIDY_HANDLER,
        env=_kept(environment, backends.secrets),
        cwd=PROJECT / "src",
        timeout_s=300.0,
        memory_mb=512,
        max_environments=1,
        init_timeout_s=_INIT_TIMEOUT_S,
    )


def page_origins(port: int) -> tuple[str, ...]:
    """The origins under which a browser may know the page; the first is the one that is shown."""
    return (f"http://localhost:{port}", f"http://127.0.0.1:{port}")


def _shared(options: LocalOptions, keys: LocalKeys, backends: Backends) -> Mapping[str, str]:
    page = page_origins(backends.page_port)[0]
    issuers = [
        {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_url": f"{backends.sign_in_url}{JWKS_PATH}",
        },
        {
            "issuer": page,
            "audience": page,
            "jwks_url": f"http://127.0.0.1:{backends.page_port}/api/auth/jwks",
            # The page's origin changes with its port, and its people are to keep what they have.
            "same_users_as": ISSUER,
        },
        *options.issuers,
    ]
    return {
        **base(),
        **outward(),
        **options.settings,
        "STAGE": "local",
        "DATABASE_URL": backends.database_url,
        "TOOL_SIGNING_KEY": keys.tool_signing_key,
        "AUTH_ISSUERS": json.dumps(issuers),
        "AWS_ENDPOINT_URL": backends.aws_url,
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "PYTHONPATH": str(PROJECT),  # a domain may be a package of the checkout
    }


def _kept(environment: Mapping[str, str], keep: SecretKeeper | None) -> Mapping[str, str]:
    """Give the environment with the ARNs of secrets in place of their texts."""
    if keep is None:
        return environment
    changed = dict(environment)
    for name in SECRETS & environment.keys():
        changed[name + ARN_SUFFIX] = keep(name, changed.pop(name))
    return changed


def _cors(backends: Backends, methods: tuple[str, ...], exposed: tuple[str, ...]) -> Cors:
    return Cors(
        allow_origins=page_origins(backends.page_port),
        allow_methods=methods,
        allow_headers=(
            "accept-language",
            "authorization",
            "content-type",
            "idempotency-key",
            "last-event-id",
            BODY_HASH,
            TOKEN_HEADER,
            TIME_ZONE,
        ),
        expose_headers=exposed,
        max_age_s=600,
    )
