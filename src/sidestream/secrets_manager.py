"""Secrets from AWS Secrets Manager, read in parallel through Powertools Parameters.

A setting that is a secret comes from its own environment variable on a laptop, and on AWS from the
secret whose ARN is in that variable's name plus `_SECRET_ARN`. The secret's text is the value.

A role or a secret that was only just made is not known everywhere in AWS for some seconds, so what
is refused in that way is tried again within a bound that the init and restore phases, of ten
seconds each, leave room for.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from sidestream.pasted import stripped

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider

ARN_SUFFIX: Final = "_SECRET_ARN"
_TIMEOUT_S: Final = 3
_NOT_YET: Final = ("AccessDeniedException", "ResourceNotFoundException")
_PATIENCE_S: Final = 4.0
_PAUSE_S: Final = 0.5


class SecretUnreadable(Exception):
    """A secret could not be read. `setting` names what needs it, `reason` is AWS's error code."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: {reason}")
        self.setting = setting
        self.reason = reason


def read(arns: Mapping[str, str]) -> dict[str, str]:
    """Read secrets, all at once: setting by ARN in, setting by text out. Never from a cache.

    Raises `SecretUnreadable`.
    """
    if not arns:
        return {}
    provider = _provider(len(arns))
    with ThreadPoolExecutor(len(arns), thread_name_prefix="secrets") as pool:
        jobs = {name: pool.submit(_patiently, provider, name, arn) for name, arn in arns.items()}
        return {name: job.result() for name, job in jobs.items()}


def read_versions(setting: str, arn: str) -> list[str]:
    """Read a secret's text and, if it was ever replaced, the one before it, which Secrets Manager
    keeps under the label AWSPREVIOUS. Never from a cache. Raises `SecretUnreadable`."""
    provider = _provider(1)
    current = _text(provider, setting, arn)
    try:
        return [current, _text(provider, setting, arn, VersionStage="AWSPREVIOUS")]
    except SecretUnreadable:
        return [current]


def _provider(connections: int) -> "SecretsProvider":
    # Only a function on AWS needs these, and they take a tenth of a second to import.
    from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider
    from botocore.config import Config

    # One client for all threads: creating clients is not thread-safe, using one is.
    return SecretsProvider(
        boto_config=Config(
            connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, max_pool_connections=connections
        )
    )


def _patiently(provider: "SecretsProvider", setting: str, arn: str) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _text(provider, setting, arn)
        except SecretUnreadable as error:
            if error.reason not in _NOT_YET or time.monotonic() + _PAUSE_S > deadline:
                raise
            time.sleep(_PAUSE_S)


def _text(provider: "SecretsProvider", setting: str, arn: str, **options: Any) -> str:
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

    try:
        value = provider.get(arn, force_fetch=True, **options)
    except GetParameterError as error:
        raise SecretUnreadable(setting, _code(error)) from None
    if not isinstance(value, str) or not stripped(value):
        raise SecretUnreadable(setting, "the secret has no text")
    return value


def _code(error: Exception) -> str:
    """AWS's own word for what is wrong; the full text may quote more than it should."""
    cause = error.__cause__ or error.__context__
    response = getattr(cause, "response", None) or {}
    code = response.get("Error", {}).get("Code")
    return str(code or type(cause or error).__name__)
