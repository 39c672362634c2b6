"""What the tasks' function refuses, in the language of whoever reads it: English and Urdu."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from sidestream import i18n
from sidestream.config import Settings
from sidestream.local.ports import free_port
from sidestream.store.ids import new_id
from sidestream.tasks.app import create_app
from sidestream.tasks.pack import DOMAIN
from sidestream.tasks.tools import SERVER
from tests.asgi_server import serve
from tests.messages import is_in_script_of
from tests.sign_in import SignIn
from tests.tasks.conftest import Person

NO_SUCH = new_id("tsk")
JSON = {"content-type": "application/json"}

type Request = tuple[str, Callable[[Person], str], dict[str, Any]]


def mine(person: Person) -> str:
    return person.path


REFUSED: dict[str, Request] = {
    "unauthorized": ("GET", mine, {"headers": {"authorization": "Bearer nonsense"}}),
    "forbidden": ("GET", lambda _person: "/api/somebody-else/tasks", {}),
    "not_found": ("GET", lambda person: f"{person.path}/{NO_SUCH}", {}),
    "method_not_allowed": ("PUT", mine, {"json": {}}),
    "bad_request": ("POST", mine, {"content": b"{", "headers": JSON}),
    "unsupported_media": ("POST", mine, {"content": b"x", "headers": {"content-type": "text/csv"}}),
    "too_large": ("POST", mine, {"json": {"title": "x" * 200_000}}),
    "invalid": ("POST", mine, {"json": {"title": ""}}),
    "key_reused": ("POST", mine, {"json": {"title": "b"}, "headers": {"idempotency-key": "k"}}),
    "database_unavailable": ("GET", mine, {}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def nowhere(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the app, whose database is not there."""
    url = f"postgresql://u:p@127.0.0.1:{free_port()}/d"
    away = settings.model_copy(update={"database_url": type(settings.database_url)(url)})
    async with (
        serve(create_app(away)) as base,
        httpx2.AsyncClient(base_url=base, timeout=60) as http,
    ):
        yield http


@pytest.mark.parametrize("code", REFUSED)
async def test_each_refusal_is_read_in_both(
    alice: Person, nowhere: httpx2.AsyncClient, sign_in: SignIn, code: str
) -> None:
    method, path, options = REFUSED[code]
    person = Person(nowhere, sign_in) if code == "database_unavailable" else alice
    if code == "key_reused":
        await alice.request("POST", alice.path, json={"title": "a"}, headers=options["headers"])
    documents = {}
    for language in ("en", "ur-PK, en;q=0.5"):
        headers = {**options.get("headers", {}), "accept-language": language}
        answer = await person.request(method, path(person), **options | {"headers": headers})
        documents[answer.headers["content-language"]] = answer.json()
    english, urdu = documents["en"], documents["ur"]
    assert english["code"] == urdu["code"] == code
    for part in ("title", "detail"):
        assert not is_in_script_of("ur", english[part])
        assert is_in_script_of("ur", urdu[part]), urdu[part]
    same = ("type", "status", "code", "retryable")
    assert [english[name] for name in same] == [urdu[name] for name in same]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"title": 5},
        {"title": ""},
        {"title": "\u200b"},
        {"title": "x" * 501},
        {"title": "a\x00b"},
        {"title": "a\ud800b"},
        {"title": "x", "notes": "x" * 5001},
        {"title": "x", "due_at": "tomorrow"},
        {"title": "x", "due_at": "1492-10-12"},
        {"title": "x", "completed": True},
    ],
    ids=lambda body: str(body)[:40].encode(errors="replace").decode(),
)
async def test_what_does_not_fit_is_said_in_both(alice: Person, body: Any) -> None:
    said = {}
    for language in ("en", "ur"):
        headers = {**JSON, "accept-language": language}
        answer = await alice.request("POST", alice.path, content=json.dumps(body), headers=headers)
        said[language] = answer.json()["errors"]
    assert [error["loc"] for error in said["en"]] == [error["loc"] for error in said["ur"]]
    assert not any(is_in_script_of("ur", error["msg"]) for error in said["en"])
    assert all(is_in_script_of("ur", error["msg"]) for error in said["ur"]), said["ur"]


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"limit": "101"}, {"after": "x"}, {"completed": "x"}]
)
async def test_a_query_too(alice: Person, query: dict[str, str]) -> None:
    headers = {"accept-language": "ur"}
    answer = await alice.request("GET", alice.path, params=query, headers=headers)
    assert answer.status_code == 422
    assert all(is_in_script_of("ur", error["msg"]) for error in answer.json()["errors"])


async def test_the_first_line_of_a_failed_tool_has_its_translation(
    alice: Person,
) -> None:
    """The model reads English; the chat shows people the first line, from the catalogues."""
    assert DOMAIN.catalogues is not None
    i18n.add(DOMAIN.catalogues)
    await alice.call("add_task", {"title": "a"}, "k")
    failed = [
        await alice.call("get_task", {"task_id": NO_SUCH}),
        await alice.call("add_task", {"name": "milk"}),
        await alice.call("add_task", {"title": "b"}, "k"),
        await alice.call("update_task", {"task_id": NO_SUCH}),
    ]
    lines = {result["content"][0]["text"].partition("\n")[0] for result in failed}
    assert len(lines) == len(failed)
    for line in lines | {SERVER.gone, SERVER.broken}:
        assert not is_in_script_of("ur", line)
        assert is_in_script_of("ur", i18n.text("ur", line)), line
