"""The store's folder, copied with its leaves into another project, is a ChatKit `Store` there."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import sidestream.store

LEAVES = (
    "caller.py",
    "correlation.py",
    "field_errors.py",
    "i18n.py",
    "problems.py",
    "reasons.py",
    "secret.py",
    "time_zone.py",
)
PROGRAM = """
import asyncio, json, sys
from datetime import UTC, datetime

from chatkit.store import NotFoundError, Store
from chatkit.types import InferenceOptions, ThreadMetadata, UserMessageItem
from chatkit.types import UserMessageTextContent as Text

from acme.caller import Caller
from acme.store.database import Database
from acme.store.ids import new_id
from acme.store.threads import PostgresStore


async def main(url):
    database = Database(url)
    await database.open()
    store: Store[Caller] = PostgresStore(database)
    alice, bob, now = Caller(new_id("alice")), Caller(new_id("bob")), datetime.now(UTC)
    thread = ThreadMetadata(id=store.generate_thread_id(alice), created_at=now)
    await store.save_thread(thread, alice)
    item = UserMessageItem(
        id=store.generate_item_id("message", thread, alice), thread_id=thread.id, created_at=now,
        content=[Text(text="lifted")], inference_options=InferenceOptions(),
    )
    await store.add_thread_item(thread.id, item, alice)
    page = await store.load_thread_items(thread.id, None, 10, "asc", alice)
    try:
        await store.load_thread(thread.id, bob)
        refused = False
    except NotFoundError:
        refused = True
    await store.delete_thread(thread.id, alice)
    await database.close()
    ours = sorted(name for name in sys.modules if name.startswith("sidestream"))
    print(json.dumps([isinstance(store, Store), page.data[0].content[0].text, refused, ours]))


asyncio.run(main(sys.argv[1]))
"""


async def test_with_its_leaves_it_serves_another_project(tmp_path: Path, app_url: str) -> None:
    source = Path(sidestream.store.__file__).parent
    package = tmp_path / "acme"
    shutil.copytree(source, package / "store", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").touch()
    for leaf in LEAVES:
        shutil.copy(source.parent / leaf, package)

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, app_url),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert json.loads(output) == [True, "lifted", True, []]
