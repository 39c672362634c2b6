"""The issuer for OpenAI's hosted ChatKit: its sessions belong to a workflow, and its client secrets
are of no use to our own chat.

Imports `openai` when first used, since the self-hosted issuer has no need of it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sidestream.config import ChatSettings
from sidestream.headers import RETRY_AFTER
from sidestream.model_key import ModelKey
from sidestream.network import async_client
from sidestream.problems import BadGateway, NotConfigured, Problem, RateLimited, Unauthorized
from sidestream.sessions.session import Session

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAIError

_TIMEOUT_S: Final = 10.0
_RETRIES: Final = 1


class HostedIssuer:
    """Asks OpenAI for sessions of the configured workflow (`POST /v1/chatkit/sessions`:
    https://platform.openai.com/docs/api-reference/chatkit/sessions/create). `timeout_s` bounds each
    of at most two attempts."""

    def __init__(self, settings: ChatSettings, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._client: AsyncOpenAI | None = None

    async def create(self, claims: Mapping[str, Any]) -> Session:
        from openai import OpenAIError
        from openai.types.beta.chatkit import ChatSession

        try:
            made: object = await self._openai().beta.chatkit.sessions.create(
                user=claims["sub"], workflow={"id": self._settings.openai_chatkit_workflow_id}
            )
        except OpenAIError as error:
            raise _problem(error) from error
        except ValueError:  # it calls itself JSON and is none
            made = None
        match made:  # the client checks no types
            case ChatSession(id=str(id), client_secret=str(secret), expires_at=int(expires_at)):
                return Session(secret, id, expires_at)
        raise BadGateway("What answers for OpenAI makes no sessions. Check OPENAI_BASE_URL.")

    async def refresh(self, _claims: Mapping[str, Any]) -> Session:
        """OpenAI's secrets cannot be refreshed; only a person's own token gets a new one."""
        raise Unauthorized("Sign in to get a new session.")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _openai(self) -> "AsyncOpenAI":
        if self._client is None:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            if not self._settings.openai_api_key.get_secret_value():
                raise NotConfigured("Hosted sessions need OPENAI_API_KEY.")
            base_url = self._settings.openai_base_url
            self._client = AsyncOpenAI(
                api_key=self._settings.openai_api_key.get_secret_value(),
                base_url=str(base_url) if base_url else None,
                timeout=self._timeout_s,
                max_retries=_RETRIES,
                http_client=async_client(
                    str(base_url or ""),
                    DefaultAsyncHttpxClient,
                    auth=ModelKey(self._settings.secret("openai_api_key")),
                ),
            )
        return self._client


def _problem(error: "OpenAIError") -> Problem:
    """Say what a client may do about it; what OpenAI wrote stays in our log."""
    from openai import APIStatusError, RateLimitError

    if isinstance(error, RateLimitError):
        after = error.response.headers.get(RETRY_AFTER, "")
        return RateLimited(
            "OpenAI takes no more sessions right now.",
            retry_after_s=float(after) if after.isdecimal() else 10.0,
        )
    if isinstance(error, APIStatusError) and error.status_code < 500:
        return BadGateway("OpenAI refused to make a session. Check the workflow and the key.")
    return BadGateway("OpenAI cannot be reached.")
