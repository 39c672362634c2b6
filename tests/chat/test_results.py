"""What the model reads of a tool's result: valid JSON within a budget, shortened by rows."""

import json

import httpx2
import pytest

from sidestream.chat.tools.results import kept_of, words_of
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from sidestream.local.system import LocalSystem
from tests.chat.client import Client
from tests.chat.data import data_in


def _rows(count: int, chars: int) -> dict[str, object]:
    rows = [{"id": f"tck_{n}", "title": "ا" * chars} for n in range(count)]
    return {"data": rows, "has_more": True, "after": "tck_99"}


def test_what_fits_is_whole() -> None:
    assert json.loads(words_of(_rows(3, 10), 16_000)) == _rows(3, 10)
    assert words_of("as it came", 100) == "as it came"


def test_a_list_loses_rows_and_says_how_many() -> None:
    words = words_of(_rows(100, 200), 16_000)
    shown = json.loads(words)
    assert len(words.encode()) <= 16_000
    assert 20 < len(shown["data"]) < 100
    assert shown["data"] == _rows(100, 200)["data"][: len(shown["data"])]  # type: ignore[index]
    assert shown["note"].startswith(f"{100 - len(shown['data'])} more rows")
    # The next page begins behind the rows that are not shown: nobody may skip them.
    assert "after" not in shown
    assert shown["has_more"] is True


def test_a_list_whose_texts_are_cut_keeps_its_rows_and_its_next_page() -> None:
    shown = json.loads(words_of(_rows(3, 100_000), 16_000))
    assert (len(shown["data"]), shown["after"]) == (3, "tck_99")


@pytest.mark.parametrize("key", ["result", "items"])
def test_the_only_list_of_a_result_loses_rows_whatever_it_is_called(key: str) -> None:
    rows = [{"n": number} for number in range(10_000)]
    shown = json.loads(words_of({key: rows, "city": "Karachi"}, 5_000))
    assert shown["city"] == "Karachi"
    assert shown[key] == rows[: len(shown[key])]
    assert shown["note"].startswith(f"{10_000 - len(shown[key])} more rows")


def test_of_two_lists_neither_is_taken_for_the_rows() -> None:
    two = {"towns": list(range(9_999)), "roads": list(range(9_999))}
    assert json.loads(words_of(two, 1_000)) == {"note": "The result was too long to be shown."}


@pytest.mark.parametrize("result", [_rows(3, 100_000), {"notes": "n" * 100_000}, ["x" * 99_999]])
def test_long_texts_are_cut_and_the_json_stays_valid(result: object) -> None:
    words = words_of(result, 5_000)
    assert len(words.encode()) <= 5_000
    assert "…" in str(json.loads(words))


def test_what_cannot_be_shortened_says_so() -> None:
    words = words_of(list(range(100_000)), 1_000)
    assert json.loads(words) == {"note": "The result was too long to be shown."}
    assert words_of("é" * 5_000, 101) == "é" * 49 + "…"


async def test_the_model_reads_the_same_in_the_next_run(
    system: LocalSystem, alice: Client, model: ScriptedModelServer
) -> None:
    headers = {"authorization": f"Bearer {alice.token}"}
    async with httpx2.AsyncClient(base_url=system.tools.url, headers=headers, timeout=30) as http:
        for number in range(30):
            ticket = {"subject": f"ticket {number}", "body": "n" * 5_000}
            made = await http.post(f"/api/{alice.user_id}/tickets", json=ticket)
            assert made.status_code == httpx2.codes.CREATED
    call = ToolRequest("list_tickets", {"limit": 30})
    model.play(Step(calls=(call, call, call, call, call, call)), Step(text="Here they are."))
    answer = await alice.create("show my list")
    read = _outputs(model)
    assert all(json.loads(data_in(output)) for output in read)
    assert max(len(output.encode()) for output in read) <= 16_000
    assert sum(len(output.encode()) for output in read) <= 32_000 + 4 * 500
    model.play(Step(text="ok"))
    await alice.add(answer.thread_id, "thanks")
    assert _outputs(model) == read


def _outputs(model: ScriptedModelServer) -> list[str]:
    sent = model.requests[-1].body["input"]
    return [item["output"] for item in sent if item.get("type") == "function_call_output"]


class TestKept:
    def test_what_is_small_stays(self) -> None:
        result = {"data": [{"id": "a", "notes": "n" * 900}]}
        assert kept_of(result, 1_000) is result
        assert kept_of(None, 10) is None

    def test_every_row_stays_and_long_texts_are_cut(self) -> None:
        rows = [{"id": str(number), "notes": "ن" * 5_000} for number in range(100)]
        kept = kept_of({"data": rows}, 100_000)
        assert [row["id"] for row in kept["data"]] == [row["id"] for row in rows]
        assert len(json.dumps(kept, ensure_ascii=False).encode()) < 110_000

    def test_words_are_cut_at_their_end(self) -> None:
        assert kept_of("w" * 500, 100) == "w" * 97 + "…"

    def test_what_no_cut_makes_small_is_left_out(self) -> None:
        assert kept_of({"numbers": list(range(10_000))}, 1_000) == {
            "note": "The result was too long to be shown."
        }
