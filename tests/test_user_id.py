"""A user is an issuer and a subject: no two of them share an id."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl

from sidestream.issuer import Issuer
from sidestream.user_id import UserIds
from tests.subjects import SUBJECTS

URL = HttpUrl("https://keys.example/jwks")


def issuer(name: str, same_users_as: str = "") -> Issuer:
    return Issuer(issuer=name, audience=("a",), jwks_url=URL, same_users_as=same_users_as)


A, B, C = (issuer(f"https://{name}.example") for name in "abc")
IDS = UserIds((A, B, C))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_first_issuers_people_keep_their_subjects(subject: str) -> None:
    assert IDS.of(A.issuer, subject) == subject


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_others_have_ids_that_paths_and_tables_take(subject: str) -> None:
    user_id = IDS.of(B.issuer, subject)
    assert user_id.isascii()
    assert user_id.removeprefix("iss_").isalnum()
    assert len(user_id) == 68


def test_an_id_stays_what_it_is() -> None:
    """What is stored goes by it: whoever changes how it is made moves everybody's rows."""
    assert IDS.of("https://b.example", "alice") == (
        "iss_56f757403e4b201ea86750a716809697b0d9899d21afe0e08213b84dc71dad49"
    )


def test_nobody_shares_an_id() -> None:
    pairs = itertools.product((A, B, C), SUBJECTS)
    ids = [IDS.of(each.issuer, subject) for each, subject in pairs]
    assert len(set(ids)) == len(ids)


def test_a_subject_that_is_another_ones_id_is_not_them() -> None:
    """Where people choose their own subjects, one could choose that."""
    theirs = IDS.of(B.issuer, "alice")
    assert IDS.of(A.issuer, theirs) != theirs
    again = IDS.of(A.issuer, IDS.of(A.issuer, theirs))
    assert again not in (theirs, IDS.of(A.issuer, theirs))


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 40))
def test_it_is_known_where_the_issuer_ends(name: str, subject: str, cut: int) -> None:
    whole = name + subject
    other = (whole[:cut], whole[cut:])
    if "" in (name, other[0]) or other == (name, subject):
        return
    ids = UserIds((A, issuer(name), issuer(other[0])))
    assert ids.of(name, subject) != ids.of(*other)


class TestTheSamePeople:
    def test_of_the_first(self) -> None:
        ids = UserIds((A, issuer("https://login.a.example", A.issuer), B))
        assert ids.of("https://login.a.example", "alice") == "alice"

    def test_of_another(self) -> None:
        ids = UserIds((A, issuer("https://login.b.example", B.issuer), B))
        assert ids.of("https://login.b.example", "alice") == IDS.of(B.issuer, "alice")
