"""The thirty conversations about tasks, played to the scripted model as `sidestream eval` does."""

import asyncio
import json
from collections import Counter
from pathlib import Path

from sidestream.evaluation import load
from sidestream.local.system import LocalSystem
from sidestream.tasks.evaluation import EVALUATION
from sidestream.tasks.pack import DOMAIN
from tests.command import run

EACH_LANGUAGE = 15


def test_it_is_thirty_conversations_the_same_in_each_language() -> None:
    conversations = load(DOMAIN).conversations
    kinds = Counter(conversation.language for conversation in conversations)
    assert kinds == {"en": EACH_LANGUAGE, "ur": EACH_LANGUAGE}
    by_language = {
        code: [one.about for one in conversations if one.language == code] for code in kinds
    }
    assert by_language["en"] == by_language["ur"]
    assert len(set(by_language["en"])) == EACH_LANGUAGE


async def test_the_scripted_model_passes_all(system: LocalSystem, tmp_path: Path) -> None:
    written = tmp_path / "eval.json"
    folder = str(system.options.folder)
    done = await asyncio.to_thread(
        run, "eval", "--folder", folder, "--at-least", "1", "--json", str(written)
    )
    assert done.returncode == 0, done.stdout
    document = json.loads(written.read_text())
    assert (document["passed"], document["played"]) == (30, len(EVALUATION.conversations))
    assert "all 30 of 30 (100%)   en 15 of 15 (100%)   ur 15 of 15 (100%)" in done.stdout
    tools = {tool for one in document["conversations"] for tool in one["tools"]}
    assert {"add_task", "complete_task", "delete_task", "list_tasks", "update_task"} <= tools


async def test_what_fails_is_shown_and_ends_with_one(system: LocalSystem) -> None:
    folder = str(system.options.folder)
    system.model.fail_next(401)
    done = await asyncio.to_thread(run, "eval", "--folder", folder, "--only", "create")
    assert done.returncode == 1
    assert "all 1 of 2 (50%)" in done.stdout
    assert "missing: title buy groceries" in " ".join(done.stdout.split())


async def test_a_name_that_no_conversation_has_is_said(system: LocalSystem) -> None:
    folder = str(system.options.folder)
    done = await asyncio.to_thread(run, "eval", "--folder", folder, "--only", "astronomy")
    assert (done.returncode, done.stderr) == (
        1,
        "sidestream: No conversation has “astronomy” in its name.\n",
    )
