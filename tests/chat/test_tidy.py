"""The job that tidies, on a system in use: what stays is what somebody can still see."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from botocore.client import BaseClient
from chatkit.types import UserMessageItem

from sidestream.chat.tidy.job import tidy
from sidestream.config import TidySettings
from sidestream.local.aws import BUCKET
from sidestream.local.emulator import EventFailed, invoke
from sidestream.local.emulator.variables import REGION
from sidestream.local.system import LocalSystem
from sidestream.problems import DatabaseUnavailable
from tests.chat.client import Client, add_request, thread_request
from tests.chat.conftest import Rows
from tests.chat.endings import Rewound, endings
from tests.chat.test_attachments import NOTES, announced, attached, key_of, keys, s3
from tests.chat.until import until
from tests.command import run

__all__ = ["s3"]

_LATER = timedelta(days=2)


@pytest.fixture
def settings(system: LocalSystem, monkeypatch: pytest.MonkeyPatch) -> TidySettings:
    """What the function is given, and the AWS that it talks to."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", system.endpoints.aws)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    url = system.endpoints.app_database_url
    return TidySettings(database_url=url, attachments_bucket=BUCKET)


def a_day_ago(owner_url: str, *attachment_ids: str) -> None:
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "update attachments set created_at = now() - interval '25 hours' where id = any(%s)",
            (list(attachment_ids),),
        )


async def test_a_file_that_no_message_took_goes_with_its_row(
    system: LocalSystem, alice: Client, s3: BaseClient, rows: Rows, owner_url: str
) -> None:
    sent = await attached(alice, "sent.txt", NOTES, "text/plain")
    thread_id = (await alice.create("hello")).thread_id
    await alice.send(add_request(thread_id, "look", attachments=[sent.id]))
    unsent = await attached(alice, "unsent.txt", NOTES, "text/plain")
    never_came = await announced(alice, "never.txt", 5, "text/plain")
    young = await attached(alice, "young.txt", NOTES, "text/plain")
    wanted = {await key_of(rows, each) for each in (sent, young)}
    unwanted = await key_of(rows, unsent)
    a_day_ago(owner_url, sent.id, unsent.id, never_came.id)

    gone = await system.tidy()

    assert gone["attachments"] >= 2
    left = await rows("select id from attachments where user_id = %s", alice.user_id)
    assert {row["id"] for row in left} == {sent.id, young.id}
    assert wanted <= keys(s3)
    assert unwanted not in keys(s3)
    assert (await alice.send(add_request(thread_id, "look", attachments=[young.id]))).status == 200
    refused = await alice.send(add_request(thread_id, "look", attachments=[unsent.id]))
    assert refused.status == 404


async def test_a_file_that_no_row_knows_goes_when_it_is_old(
    settings: TidySettings, alice: Client, s3: BaseClient, rows: Rows
) -> None:
    kept = await key_of(rows, await attached(alice, "kept.txt", NOTES, "text/plain"))
    strays = {f"attachments/{n:032x}/atc_stray" for n in range(0, 2**128, 2**125)}
    elsewhere = "exports/not_ours"
    for key in (*strays, elsewhere):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    await tidy(settings, Counter())
    assert strays <= keys(s3)

    gone: Counter[str] = Counter()
    await tidy(settings, gone, now=datetime.now(UTC) + _LATER)
    assert gone["files"] >= len(strays)
    assert not strays & keys(s3)
    assert {kept, elsewhere} <= keys(s3)
    s3.delete_object(Bucket=BUCKET, Key=elsewhere)


async def test_two_at_once_and_again_do_no_harm(
    settings: TidySettings, alice: Client, rows: Rows, owner_url: str
) -> None:
    unsent = [await announced(alice, f"{n}.txt", 5, "text/plain") for n in range(6)]
    a_day_ago(owner_url, *(each.id for each in unsent))
    first, second, third = Counter[str](), Counter[str](), Counter[str]()
    await asyncio.gather(tidy(settings, first), tidy(settings, second))
    await tidy(settings, third)
    assert await rows("select id from attachments where user_id = %s", alice.user_id) == []
    assert first["attachments"] + second["attachments"] >= 6
    assert third["attachments"] == 0


async def test_what_a_run_left_that_nobody_came_back_to_is_kept(
    system: LocalSystem, alice: Client, rows: Rows, owner_url: str
) -> None:
    """Its process died, and so the words are in its events alone, which go in their time."""
    whole = await alice.create("Tell me a story of 60 words")
    Rewound(owner_url, whole.run_id).to(len(whole.frames) - 5, items=1)
    await system.tidy()
    [run] = await rows("select status, error from runs where id = %s", whole.run_id)
    assert (run["status"], run["error"]) == ("failed", {"code": "lease_expired"})
    query = "select type from thread_items where thread_id = %s order by seq"
    kept = await rows(query, whole.thread_id)
    assert [row["type"] for row in kept] == ["user_message", "assistant_message"]
    assert endings(await alice.items(whole.thread_id)) == ["interrupted"]
    assert isinstance(await system.tidy(), dict)
    assert await rows(query, whole.thread_id) == kept


async def test_runs_that_cannot_be_settled_keep_nothing_else(
    settings: TidySettings, alice: Client, s3: BaseClient, rows: Rows, owner_url: str
) -> None:
    """Somebody holds their rows: the others are settled, and the other kinds go."""
    wholes = [await alice.create("Tell me a story of 60 words") for _ in range(2)]
    for whole in wholes:
        Rewound(owner_url, whole.run_id).to(len(whole.frames) - 5, items=1)
    unsent = await attached(alice, "unsent.txt", NOTES, "text/plain")
    key = await key_of(rows, unsent)
    a_day_ago(owner_url, unsent.id)
    gone: Counter[str] = Counter()
    with psycopg.connect(owner_url) as owner:
        owner.execute("select from runs where id = %s for update", (wholes[0].run_id,))
        with pytest.raises(DatabaseUnavailable):
            await tidy(settings, gone)
    assert gone["settled"] >= 1
    assert gone["attachments"] >= 1
    assert key not in keys(s3)
    status = "select status from runs where id = %s"
    assert await rows(status, wholes[0].run_id) == [{"status": "running"}]
    assert await rows(status, wholes[1].run_id) == [{"status": "failed"}]
    await tidy(settings, gone)
    assert await rows(status, wholes[0].run_id) == [{"status": "failed"}]


async def test_files_of_messages_that_a_retry_removed_go(
    system: LocalSystem, alice: Client, s3: BaseClient, rows: Rows, owner_url: str
) -> None:
    """And not those of the message that is answered again, nor those that both show."""
    own, both, later = [await attached(alice, f"{name}.txt", NOTES, "text/plain") for name in "abc"]
    thread_id = (await alice.create("hello")).thread_id
    await alice.send(add_request(thread_id, "look", attachments=[own.id, both.id]))
    messages = [i for i in await alice.items(thread_id) if isinstance(i, UserMessageItem)]
    [message] = [each for each in messages if each.attachments]
    await alice.send(add_request(thread_id, "and again", attachments=[both.id, later.id]))
    wanted, unwanted = {await key_of(rows, each) for each in (own, both)}, await key_of(rows, later)
    a_day_ago(owner_url, own.id, both.id, later.id)
    retry = thread_request("threads.retry_after_item", thread_id, item_id=message.id)
    assert not (await alice.send(retry)).errors
    await system.tidy()
    left = await rows("select id from attachments where user_id = %s", alice.user_id)
    assert {row["id"] for row in left} == {own.id, both.id}
    assert wanted <= keys(s3)
    assert unwanted not in keys(s3)


async def test_a_file_that_goes_while_its_message_is_on_its_way(
    alice: Client, rows: Rows, owner_url: str
) -> None:
    """The message takes it whole or is refused: it never shows a file that is not there."""
    thread_id = (await alice.create("hello")).thread_id
    file = await attached(alice, "old.txt", NOTES, "text/plain")
    with psycopg.connect(owner_url) as owner:
        # As the job does, whose end the beginning of the run then waits for.
        owner.execute("delete from attachments where id = %s", (file.id,))
        sending = asyncio.create_task(
            alice.send(add_request(thread_id, "look", attachments=[file.id]))
        )
        await until(lambda: rows("select 1 from pg_locks where not granted"))
        owner.commit()
    answer = await sending
    assert (answer.status, answer.problem["code"]) == (404, "not_found")
    assert all(
        not item.attachments
        for item in await alice.items(thread_id)
        if isinstance(item, UserMessageItem)
    )


async def test_what_fails_is_told_and_the_next_one_goes_on(system: LocalSystem) -> None:
    lines: list[str] = []
    nowhere = {**system.tidying.env, "ATTACHMENTS_BUCKET": "nowhere"}
    with pytest.raises(EventFailed):
        await invoke(replace(system.tidying, env=nowhere), {}, lines.append)
    assert any('"message":"tidied"' in line for line in lines)
    assert isinstance(await system.tidy(), dict)


async def test_the_command_does_the_same(
    system: LocalSystem, alice: Client, owner_url: str, rows: Rows
) -> None:
    unsent = await announced(alice, "unsent.txt", 5, "text/plain")
    a_day_ago(owner_url, unsent.id)
    done = await asyncio.to_thread(run, "tidy", "--folder", str(system.options.folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 attachments" in done.stdout
    assert await rows("select id from attachments where user_id = %s", alice.user_id) == []
    again = await asyncio.to_thread(run, "tidy", "--folder", str(system.options.folder))
    assert again.stdout == "Nothing is past keeping.\n"
