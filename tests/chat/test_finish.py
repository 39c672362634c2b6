"""The end of a run: saved as soon as the database takes it, and never told when it is not."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from sidestream.config import ChatSettings
from tests.chat.client import Client
from tests.chat.conftest import MakePerson, Rows, under_uvicorn
from tests.chat.endings import endings
from tests.chat.test_kept import until_over

MANY, ALWAYS = 6, 1_000


@contextmanager
def ends_refused(owner_url: str, user_id: str, times: int) -> Iterator[None]:
    """Have the database be read-only, for so many attempts to complete a run of somebody."""
    function = """
        create function refuse_end() returns trigger language plpgsql as $$
        begin
          if new.status = 'completed' and new.user_id = {user} and nextval('refusals') <= {times}
          then raise exception 'read-only' using errcode = 'read_only_sql_transaction';
          end if;
          return new;
        end $$
    """
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("create sequence refusals")
        owner.execute("grant usage on sequence refusals to sidestream_app")
        owner.execute(sql.SQL(function).format(user=user_id, times=times))
        owner.execute(
            "create trigger refuse_end before update on runs"
            " for each row execute function refuse_end()"
        )
        try:
            yield
        finally:
            owner.execute("drop trigger refuse_end on runs")
            owner.execute("drop function refuse_end")
            owner.execute("drop sequence refusals")


async def test_a_database_that_is_read_only_for_a_while_is_waited_for(
    chat_settings: ChatSettings, person: MakePerson, rows: Rows, owner_url: str
) -> None:
    alice = person()
    async with under_uvicorn(chat_settings) as chat, Client(chat.url, alice.token) as client:
        with ends_refused(owner_url, alice.user_id, MANY):
            answer = await client.create("hello")
    assert answer.ended
    assert not answer.errors
    assert endings(await alice.items(answer.thread_id)) == []
    [run] = await rows("select status from runs where id = %s", answer.run_id)
    assert run["status"] == "completed"
    assert (await alice.replay(answer.run_id)).frames == answer.frames


async def test_a_run_that_is_not_saved_is_left_off_and_settled_as_whole(
    chat_settings: ChatSettings, person: MakePerson, rows: Rows, owner_url: str
) -> None:
    alice = person()
    settings = chat_settings.model_copy(update={"run_lease_s": 2.0})
    async with under_uvicorn(settings) as chat, Client(chat.url, alice.token) as client:
        with ends_refused(owner_url, alice.user_id, ALWAYS):
            answer = await client.create("hello")
        assert not answer.ended
        assert not answer.errors
        await until_over(rows, answer.run_id)
        rest = await client.replay(answer.run_id, after=len(answer.frames))
        assert (rest.frames, rest.ended) == ((), True)
    assert endings(await alice.items(answer.thread_id)) == []
    [run] = await rows("select status, error from runs where id = %s", answer.run_id)
    assert (run["status"], run["error"]) == ("completed", None)
    assert not (await alice.add(answer.thread_id, "hello")).errors
