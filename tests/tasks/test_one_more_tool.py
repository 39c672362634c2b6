"""One more tool, `set_priority`, in a copy of the tasks: nothing outside of the domain changes, and
each thing that is forgotten is named, in the sentences of docs/replace-the-domain.md."""

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx2
import pytest
from chatkit.types import ClientEffectEvent
from pydantic import HttpUrl

import sidestream.tasks
from sidestream.config import ChatSettings
from sidestream.domain import load
from sidestream.local.model.conversation import ToolRequest
from sidestream.local.settings import PROJECT
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from sidestream.tool_server.manifest import write
from tests.asgi_server import serve
from tests.chat.client import Client
from tests.chat.conftest import chat_settings, under_uvicorn  # noqa: F401
from tests.chat.steps import lines
from tests.packs import gaps_in_docs, gaps_in_texts, gaps_in_tools
from tests.tickets import script

PACKAGE: Final = "tasks_and_one_more"
RECIPE: Final = (PROJECT / "docs" / "replace-the-domain.md").read_text(encoding="utf-8")
SENTENCES: Final = dict(
    re.findall(
        r"^\| ([^|`]+) \| (.*set_priority.*) \|$", RECIPE.partition("## Add a tool")[2], re.M
    )
)
"""What is said of each thing that can be forgotten."""

SERVED: Final = """
        ServedTool(
            name="set_priority",
            title="Set a priority",
            arguments=SetPriority,
            annotations=SETS,
            output=_TASK,
        ),
"""
CLASS: Final = '''
class SetPriority(Arguments[TaskRepository]):
    """Say how urgent a task is."""

    task_id: _Id
    priority: Literal["low", "high"]

    async def run(self, things: TaskRepository, call: ToolCall) -> dict[str, Any]:
        changes = TaskChanges(notes=f"Priority: {self.priority}")
        return (await things.update(call.user_id, self.task_id, changes)).document()


SERVER: Final'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the tasks, under another name, with the documents of their API beside it."""
    source = Path(sidestream.tasks.__file__).parent
    copy = tmp_path / PACKAGE
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("scripted", "__pycache__"))
    shutil.copy(PROJECT / "docs" / "api.md", tmp_path)
    for path in copy.glob("*.py"):
        change(path, "sidestream.tasks", PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield copy
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def change(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def add_the_tool(folder: Path, *, forgotten: str = "") -> None:
    """Take every step but the one that is forgotten."""
    change(folder / "tools.py", "\nSERVER: Final", CLASS)
    change(folder / "tools.py", "\n    tools=(\n", f"\n    tools=({SERVED}")
    title = "" if forgotten == "its title" else 'title=_("Set a priority"), '
    ask = "" if forgotten == "when it asks" else "ask=Ask.NEVER"
    change(folder / "pack.py", "    tools={\n", f'    tools={{"set_priority": Tool({title}{ask}),')
    if not forgotten.startswith(("its title", "the title")):
        with (folder / "locale" / "ur.po").open("a", encoding="utf-8") as catalogue:
            catalogue.write('\nmsgid "Set a priority"\nmsgstr "ترجیح مقرر کریں"\n')
    if forgotten != "the document":
        change(folder.parent / "api.md", "`add_task`,", "`add_task`, `set_priority`,")
    if forgotten != "the manifest":
        write(PACKAGE)


def gaps(folder: Path) -> list[str]:
    """What the tests of the pack would say."""
    domain = importlib.import_module(f"{PACKAGE}.pack").DOMAIN
    server = importlib.import_module(f"{PACKAGE}.tools").SERVER
    return [
        *gaps_in_tools(domain, server),
        *gaps_in_texts(domain, folder),
        *gaps_in_docs(domain, folder.parent / "api.md"),
    ]


@pytest.mark.parametrize("forgotten", SENTENCES)
def test_what_is_forgotten_is_named(folder: Path, forgotten: str) -> None:
    add_the_tool(folder, forgotten=forgotten)
    said = gaps(folder)
    assert said == [SENTENCES[forgotten]]


def test_the_recipe_knows_each_thing() -> None:
    assert len(SENTENCES) == 5


async def test_with_nothing_forgotten_it_works(
    folder: Path,
    system: LocalSystem,
    chat_settings: ChatSettings,  # noqa: F811
) -> None:
    add_the_tool(folder)
    assert gaps(folder) == []
    assert load(PACKAGE).policies["set_priority"].title == "Set a priority"
    app = importlib.import_module(f"{PACKAGE}.app").create_app(chat_settings)
    async with serve(app) as tools:
        changes = {"domain": PACKAGE, "tools_mcp_url": HttpUrl(f"{tools}/mcp")}
        settings = chat_settings.model_copy(update=changes)
        token = system.token(new_id("user"))
        async with under_uvicorn(settings) as chat, Client(chat.url, token) as client:
            headers = {"authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(base_url=tools, headers=headers) as http:
                path = f"/api/{client.user_id}/tasks"
                task = (await http.post(path, json={"title": "milk"})).json()
            call = ToolRequest("set_priority", {"task_id": task["id"], "priority": "high"})
            answer = await client.create(script([call]))
    assert [title for title, _content in lines(answer)] == ["Set a priority"]
    [effect] = [frame for frame in answer.frames if isinstance(frame, ClientEffectEvent)]
    assert (effect.name, effect.data) == ("tasks.changed", {"tool": "set_priority"})
