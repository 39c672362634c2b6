"""The platform speaks of no domain: what is about tasks stands with the tasks."""

import re
from pathlib import Path
from typing import Final

import pytest

import sidestream

SOURCE: Final = Path(sidestream.__file__).parent
ROOMS: Final = ("chat", "store", "sessions", "cli", "local")

FOREIGN: Final = {
    *("asyncio.Task", "TaskGroup", "create_task", "current_task"),  # asyncio's
    *("CustomTask", "TaskItem", "WorkflowTaskAdded", "WorkflowTaskUpdated"),  # ChatKit's
    *("task_to_input", "task_index", "workflow.task.added", "workflow.task.updated"),
    *("workflow.tasks", "item.workflow.tasks"),
    *("LAMBDA_TASK_ROOT", "Task timed out"),  # Lambda's
}
LOCAL_NAMES: Final = {
    "chat/runs/run.py": {"a task of its own", "_task", "self._task"},
    "chat/runs/told.py": {"update.task"},
    "chat/tools/trace.py": {"Task", "task", "tasks", "_tasks", "a task of one workflow item"},
    "cli/checks/finding.py": {"task"},
    "cli/judge.py": {'"tasks": lines'},
    "cli/transcript.py": {"task", "tasks", "_task"},
    "chat/model/history.py": {"A task item is for people"},
    "local/emulator/http1.py": {"task", "_tasks"},
    "local/model/delivery.py": {"task"},
    "local/emulator/pool.py": {"task", "_tasks"},
    "store/threads.py": {'"task": "tsk"'},
}
"""What these files call a task of asyncio's or of ChatKit's."""


def sources() -> list[str]:
    files = [path for room in ROOMS for path in sorted((SOURCE / room).rglob("*"))]
    names = [path.relative_to(SOURCE).as_posix() for path in files if path.is_file()]
    return [name for name in names if "__pycache__" not in name]


@pytest.mark.parametrize("room", ROOMS)
def test_no_word_of_a_domain(room: str) -> None:
    found = []
    for name in sources():
        if not name.startswith(f"{room}/"):
            continue
        allowed = sorted(FOREIGN | LOCAL_NAMES.get(name, set()), key=len, reverse=True)
        known = re.compile("|".join(rf"(?<!\w){re.escape(words)}(?!\w)" for words in allowed))
        assert "task" not in name.lower(), name
        for number, line in enumerate((SOURCE / name).read_text().splitlines(), 1):
            if "task" in known.sub("", line).lower():
                found.append(f"{name}:{number}: {line.strip()}")
    assert found == []


def test_every_exception_is_needed() -> None:
    for name, words in LOCAL_NAMES.items():
        text = (SOURCE / name).read_text()
        for word in words:
            assert word in text, (name, word)
