from tests.chat.client import Client
from tests.chat.conftest import TaskList

async def test_three_messages_change_the_list(alice: Client, task_list: TaskList) -> None:
    created = await alice.create("Create a task to buy groceries")
    for f in created.frames: print(f.model_dump_json(exclude_none=True))
    print(created.text, created.headers)
    [task] = await task_list(alice)
    assert (task["title"], task["completed"]) == ("buy groceries", False)
    done = await alice.add(created.thread_id, "Mark the groceries task as complete")
    print(done.text)
    [task] = await task_list(alice)
    assert (task["title"], task["completed"]) == ("buy groceries", True)
    deleted = await alice.add(created.thread_id, "Delete the groceries task")
    print(deleted.text)
    assert await task_list(alice) == []
