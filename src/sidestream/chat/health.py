"""What ChatFunction needs to answer anybody, and how each part of it is looked at.

None of these looks is billed by a model's provider or read by the domain's tools: the provider is
asked for its list of models, the tool server for that of its tools.
"""

from typing import Final

from httpx2 import codes
from openai import APIError, APIStatusError, AsyncOpenAI

from sidestream import reasons
from sidestream.chat.tools.server import McpClient
from sidestream.chat.tools.wire import ToolServerError
from sidestream.health import Part
from sidestream.identity import Verifier
from sidestream.reasons import Reason
from sidestream.store.database import Database

DATABASE: Final = "database"
TOOLS: Final = "tools"
MODEL: Final = "model"

_ASKER: Final = "sidestream health"
_REFUSALS: Final = (401, 403)


def parts(
    database: Database, verifier: Verifier, mcp: McpClient, model: AsyncOpenAI
) -> dict[str, Part]:
    """Give the parts by the names that `/healthz` has for them."""
    # Without retries: what has to be told is how things are now.
    client = model.with_options(max_retries=0)

    async def tools() -> bool:
        try:
            reply, _attempt = await mcp.request("tools/list", {}, {}, _ASKER)
        except ToolServerError as error:
            return _told(TOOLS, error.reason)
        return reply.status == codes.OK or _told(TOOLS, reasons.of_status(reply.status))

    async def provider() -> bool:
        try:
            await client.models.with_raw_response.list()
        except APIStatusError as error:
            # Some have no such list, or say "later": they answer all the same.
            refuses = error.status_code in _REFUSALS or error.status_code >= 500
            return not refuses or _told(MODEL, reasons.of_status(error.status_code))
        except APIError as error:
            return _told(MODEL, reasons.of_error(error))
        return True

    return {
        DATABASE: Part(DATABASE, database.answers, every_s=5),
        "sign_in_keys": Part("keys", verifier.has_keys, every_s=30),
        TOOLS: Part(TOOLS, tools, every_s=30),
        MODEL: Part(MODEL, provider, every_s=60),
    }


def _told(part: str, reason: Reason) -> bool:
    reasons.report(part, reason)
    return False
