"""What ChatFunction holds for its whole life: clients, pool, agent, and the runs in this process.

Everything that has a socket is opened by `open()` and dropped by `close()`, so that a snapshot can
be taken in between.
"""

import asyncio
from typing import Self

from openai import AsyncOpenAI

from sidestream import i18n
from sidestream.chat import health
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.model.agent import build_agent
from sidestream.chat.model.provider import build_client, build_provider
from sidestream.chat.runs.begin import Conversations
from sidestream.chat.runs.leased_store import PATIENCE, LeasedStore
from sidestream.chat.runs.prepare import Preparer
from sidestream.chat.runs.respond import Responder
from sidestream.chat.runs.salvage import Salvage
from sidestream.chat.runs.stored import StoredRuns
from sidestream.chat.runs.watch import Watches
from sidestream.chat.server import ChatServer
from sidestream.chat.tools.attached import attach
from sidestream.chat.tools.calls import Toolbox
from sidestream.chat.tools.cards import Cards
from sidestream.chat.tools.functions import FunctionTools
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.chat.tools.server import McpClient
from sidestream.chat.tools.signing import UrlSigner
from sidestream.chat.tools.sources import DomainTools
from sidestream.config import ChatSettings, SettingsError
from sidestream.domain import Domain, DomainError, load
from sidestream.health import Part
from sidestream.identity import Verifier
from sidestream.signing_key import session_key, tool_key
from sidestream.store.database import Database
from sidestream.store.feedback import Feedback
from sidestream.store.followers import Followers
from sidestream.store.run_starts import RunStarts
from sidestream.store.runs import Runs
from sidestream.store.sizes import Sizes
from sidestream.store.threads import PostgresStore


class Services:
    """The parts of the chat, wired together once."""

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self.domain, self.functions = _domain(settings)
        self.attached = [attach(entry, settings) for entry in settings.mcp_servers]
        self.cards = Cards(self.domain, settings.max_item_bytes)
        self.database = Database(
            settings.secret("database_url"),
            max_size=settings.database_pool_max,
            timeout_s=settings.database_timeout_s,
        )
        sizes = Sizes(settings.max_item_bytes, settings.max_page_bytes)
        keep_s = settings.event_hours * 3600.0
        self.runs = Runs(self.database)
        self.salvage = Salvage(self.runs, PostgresStore(self.database))
        self.store = LeasedStore(
            self.database,
            sizes,
            patience_s=settings.run_lease_s * PATIENCE,
            settle=self.salvage.settle,
        )
        self.run_starts = RunStarts(self.database, sizes, keep_s=keep_s)
        self.feedback = Feedback(self.database)
        self.session_key = session_key(
            settings.secret("session_signing_key"), settings.session_ttl_s
        )
        self.verifier = Verifier(
            settings.auth_issuers, [self.session_key], stale_s=settings.auth_keys_stale_s
        )
        self.cold = True
        self.mcp: McpClient
        self.parts: dict[str, Part]
        self.registry: ToolRegistry
        self.model_client: AsyncOpenAI
        self.responder: Responder
        self.preparer: Preparer
        self.server: ChatServer
        self.conversations: Conversations

    async def open(self) -> Self:
        """Open the pool and the clients, on the running loop, and fetch the sign-in keys."""
        key = tool_key(self.settings.secret("tool_signing_key"))
        url = str(self.settings.tools_mcp_url)
        signed = self.settings.tools_mcp_auth == "sigv4"
        self.mcp = McpClient(url, key, auth=UrlSigner(url) if signed else None)
        own = (DomainTools(self.domain, self.mcp), self.functions)
        self.registry = ToolRegistry(self.domain, [*own, *self.attached])
        tools = Toolbox(self.registry, self.settings)
        files = AttachmentFiles(self.settings)
        self.model_client = build_client(self.settings)
        self.parts = health.parts(self.database, self.verifier, self.mcp, self.model_client)
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
        stored = StoredRuns(
            self.salvage,
            Watches(self.runs),
            Followers(self.database),
            self.settings.max_followers,
        )
        self.conversations = Conversations(
            starts=self.run_starts,
            runs=self.runs,
            stored=stored,
            salvage=self.salvage,
            preparer=self.preparer,
            server=self.server,
            responder=self.responder,
            settings=self.settings,
        )
        await asyncio.gather(
            self.database.open(),
            self.verifier.prefetch(),
            *(server.open() for server in self.attached),
        )
        return self

    def remember(self, before: "Services") -> None:
        """Take over what the process knew before a snapshot: nobody waits for it a second time."""
        for server in self.attached:
            for old in before.attached:
                if old.entry == server.entry:
                    server.listing = old.listing

    async def close(self) -> None:
        """Tell the runs in progress to end, wait until they have, and drop every socket."""
        await self.conversations.close()
        await self.verifier.close()
        await self.mcp.close()
        await asyncio.gather(*(server.close() for server in self.attached))
        await self.model_client.close()
        await self.database.close()


def _domain(settings: ChatSettings) -> tuple[Domain, FunctionTools]:
    """The domain of the settings, its texts added to ours. Raises `SettingsError`."""
    try:
        domain = load(settings.domain)
        functions = FunctionTools(domain)
    except DomainError as error:
        raise SettingsError(str(error)) from None
    if domain.catalogues is not None:
        i18n.add(domain.catalogues)
    return domain, functions
