"""What ChatFunction holds for its whole life: clients, pool, agent, and the runs in this process.

Everything that has a socket is opened by `open()` and dropped by `close()`, so that a snapshot can
be taken in between.
"""

import asyncio
from typing import Self

from openai import AsyncOpenAI

from sidestream import i18n
from sidestream.chat.agent import build_agent, build_client, build_provider
from sidestream.chat.attachments import AttachmentFiles
from sidestream.chat.mcp import McpClient
from sidestream.chat.prepare import Preparer
from sidestream.chat.respond import Responder
from sidestream.chat.run import Run
from sidestream.chat.server import ChatServer
from sidestream.chat.signing import UrlSigner
from sidestream.chat.tls import tls_context
from sidestream.chat.tools import Toolbox
from sidestream.chat.turn_store import TurnStore
from sidestream.chat.widgets import Cards
from sidestream.config import ChatSettings, SettingsError
from sidestream.domain import Domain, DomainError, load
from sidestream.identity import Verifier, session_key, tool_key
from sidestream.store.database import Database
from sidestream.store.feedback import Feedback
from sidestream.store.runs import Runs
from sidestream.store.turns import Turns


class Services:
    """The parts of the chat, wired together once."""

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self.domain = _domain(settings)
        self.cards = Cards(self.domain)
        self.database = Database(
            settings.secret("database_url"),
            max_size=settings.database_pool_max,
            timeout_s=settings.database_timeout_s,
        )
        self.store = TurnStore(self.database, patience_s=settings.run_lease_s * 2 / 3)
        self.turns = Turns(self.database)
        self.runs = Runs(self.database)
        self.feedback = Feedback(self.database)
        self.session_key = session_key(
            settings.secret("session_signing_key"), settings.session_ttl_s
        )
        self.verifier = Verifier(settings.auth_issuers, [self.session_key], tls_context())
        self.active: dict[str, Run] = {}
        self.cold = True
        self.mcp: McpClient
        self.model_client: AsyncOpenAI
        self.responder: Responder
        self.preparer: Preparer
        self.server: ChatServer

    async def open(self) -> Self:
        """Open the pool and the clients, on the running loop, and fetch the sign-in keys."""
        key = tool_key(self.settings.secret("tool_signing_key"))
        url = str(self.settings.tasks_mcp_url)
        signed = self.settings.tasks_mcp_auth == "sigv4"
        self.mcp = McpClient(url, key, auth=UrlSigner(url) if signed else None)
        tools = Toolbox(self.domain, self.mcp, self.settings)
        files = AttachmentFiles(self.settings)
        self.model_client = build_client(self.settings)
        provider = build_provider(self.model_client, self.settings)
        agent = build_agent(tools, self.settings)
        self.responder = Responder(tools, self.cards, agent, provider, files, self.settings)
        self.preparer = Preparer(self.store, files, self.cards, self.settings)
        self.server = ChatServer(
            self.store,
            files,
            self.feedback,
            tools,
            self.cards,
            self.responder,
            self.preparer,
            self.model_client.with_options(max_retries=self.settings.model_max_retries),
            self.settings,
        )
        await asyncio.gather(self.database.open(), self.verifier.prefetch())
        return self

    async def close(self) -> None:
        """Let the runs in progress finish, then drop every socket."""
        await asyncio.gather(*(run.wait() for run in self.active.values()), return_exceptions=True)
        await self.mcp.close()
        await self.model_client.close()
        await self.database.close()


def _domain(settings: ChatSettings) -> Domain:
    """The domain of the settings, its texts added to ours. Raises `SettingsError`."""
    try:
        domain = load(settings.domain)
    except DomainError as error:
        raise SettingsError(str(error)) from None
    if domain.catalogues is not None:
        i18n.add(domain.catalogues)
    return domain
