"""The walk's own judgement: what it lets pass, and what it does not."""

from datetime import UTC, datetime

import pytest
from chatkit.types import AssistantMessageContent, AssistantMessageItem

from tests.chat.client import Document
from tests.chat.fold import Screen
from tests.chat.walk.desk import ADDED, DELETED, Desk, requests_in
from tests.chat.walk.oracle import check_kept, same
from tests.tickets import change, delete_all, open_all

FIRST: Document = {"id": "tck_1", "subject": "printer", "status": "open", "updated_at": "1"}
SECOND: Document = {"id": "tck_2", "subject": "login", "status": "open", "updated_at": "1"}


def desk(*tickets: Document) -> Desk:
    return Desk({ticket["id"]: ticket for ticket in tickets})


class TestDesk:
    @pytest.mark.parametrize(
        ("after", "said", "done"),
        [
            ((FIRST,), "hello", {}),
            ((FIRST, SECOND), open_all("login"), {ADDED: 1}),
            ((FIRST, SECOND), open_all("login"), {}),
            ((FIRST,), open_all("login"), {}),
            ((FIRST,), open_all("printer"), {ADDED: 1}),
            ((), delete_all("tck_1"), {DELETED: 1}),
            ((), delete_all("tck_1"), {}),
            (({**FIRST, "status": "pending"},), change("tck_1", status="pending"), {}),
        ],
    )
    def test_what_was_asked_for_may_happen(
        self, after: tuple[Document, ...], said: str, done: dict[str, int]
    ) -> None:
        desk(FIRST).check(desk(*after), requests_in(said), done)

    @pytest.mark.parametrize(
        ("after", "said", "done"),
        [
            ((FIRST, SECOND), "hello", {}),
            ((FIRST, SECOND, {**SECOND, "id": "tck_3"}), open_all("login"), {ADDED: 1}),
            ((FIRST,), open_all("login"), {ADDED: 1}),
            ((), "hello", {}),
            ((), delete_all("tck_2"), {}),
            ((FIRST,), delete_all("tck_1"), {DELETED: 1}),
            (({**FIRST, "status": "pending"},), change("tck_2", status="pending"), {}),
            (({**FIRST, "subject": "login"},), change("tck_1", status="pending"), {}),
        ],
    )
    def test_nothing_else_may(
        self, after: tuple[Document, ...], said: str, done: dict[str, int]
    ) -> None:
        with pytest.raises(AssertionError):
            desk(FIRST).check(desk(*after), requests_in(said), done)


def item(item_id: str, text: str = "") -> AssistantMessageItem:
    return AssistantMessageItem(
        id=item_id,
        thread_id="thr",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        content=[AssistantMessageContent(text=text)],
    )


class TestKept:
    BEFORE = Screen(thread_id="thr", items=(item("a"),))
    SEEN = Screen(thread_id="thr", items=(item("a"), item("b"), item("c")))

    @pytest.mark.parametrize(
        "there", ["abc", "abcd"], ids=["what was seen", "more than could be seen"]
    )
    def test_all_that_was_seen_finished_has_to_be_there(self, there: str) -> None:
        check_kept(self.BEFORE, self.SEEN, [item(each) for each in there], frozenset())

    @pytest.mark.parametrize(
        "there", ["ab", "ac", "acb", "dabc"], ids=["last", "middle", "order", "before"]
    )
    def test_nothing_is_lost_and_nothing_comes_in_between(self, there: str) -> None:
        with pytest.raises(AssertionError):
            check_kept(self.BEFORE, self.SEEN, [item(each) for each in there], frozenset())

    def test_nothing_has_changed_but_what_the_run_may_have(self) -> None:
        there = [item("a", "changed"), item("b"), item("c")]
        check_kept(self.BEFORE, self.SEEN, there, {"a"})
        with pytest.raises(AssertionError):
            check_kept(self.BEFORE, self.SEEN, there, frozenset())

    def test_what_was_not_finished_may_be_missing(self) -> None:
        seen = Screen(thread_id="thr", items=self.SEEN.items, unfinished=frozenset({"c"}))
        check_kept(self.BEFORE, seen, [item("a"), item("b")], frozenset())


def test_the_first_difference_is_told() -> None:
    same("the items", ["a", "b"], ["a", "b"])
    with pytest.raises(AssertionError, match=r"the items differ at 1"):
        same("the items", ["a", "b"], ["a"])
