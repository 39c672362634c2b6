"""Versions of functions: which may go, and that each change of the template makes one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts.remove_versions import KEEP, superfluous
from scripts.stamp_template import stamped

from tests.deployment.conftest import TEMPLATE


@pytest.mark.parametrize(
    ("versions", "served", "keep", "gone"),
    [
        (["$LATEST", "1", "2", "3", "4", "5"], ["5"], 3, ["1", "2"]),
        (["$LATEST", "9", "10", "11"], ["11"], 2, ["9"]),  # as numbers, and not as text
        (["1", "2", "3", "4"], ["4", "2"], 1, ["1"]),  # a release under way serves two
        (["1", "2", "3", "4"], ["1"], 1, []),  # somebody went back: what is newer stays
        (["1", "2", "3"], ["3"], 5, []),
        (["1", "2", "3"], [], 1, []),
        (["1", "2", "3"], ["$LATEST"], 1, []),
        ([], ["1"], 1, []),
    ],
)
def test_what_may_go(versions: list[str], served: list[str], keep: int, gone: list[str]) -> None:
    assert superfluous(versions, served, keep) == gone


@given(st.sets(st.integers(1, 60), min_size=1), st.integers(1, 6), st.data())
def test_what_serves_or_is_newer_stays_and_twice_is_as_once(
    numbers: set[int], keep: int, data: st.DataObject
) -> None:
    served = data.draw(st.sets(st.sampled_from(sorted(numbers)), min_size=1))
    gone = {int(each) for each in superfluous([*map(str, numbers)], [*map(str, served)], keep)}
    left = numbers - gone
    assert {number for number in numbers if number >= min(served)} <= left
    assert len({number for number in left if number <= min(served)}) <= keep
    assert superfluous([*map(str, left)], [*map(str, served)], keep) == []


@given(st.lists(st.sampled_from(["good", "failed", "back"]), max_size=12))
def test_what_served_before_a_release_is_there_after_it(releases: list[str]) -> None:
    """Versions are deleted before each, whatever failed or was gone back from meanwhile."""
    there, live, newest = {1}, 1, 1
    for kind in releases:
        there -= {int(each) for each in superfluous([*map(str, there)], [str(live)], KEEP)}
        before, newest = live, newest + 1
        there.add(newest)  # a release that fails leaves its version too
        if kind == "good":
            live = newest
        assert {before, live} <= there
        if kind == "back":  # it served, somebody looked, and went back
            live = before


def test_every_change_of_the_template_changes_every_function() -> None:
    text = TEMPLATE.read_text()
    first = stamped(text, b"one")
    assert len(re.findall(r"\(release \$\{Release\}, template \w{8}\)", first)) == 3
    assert stamped(first, b"one") == first  # built again without a change
    assert stamped(first, b"two") == stamped(text, b"two") != first
    with pytest.raises(ValueError, match="description"):
        stamped("Resources: {}", b"one")
