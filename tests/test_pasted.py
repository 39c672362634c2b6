"""What is taken off a pasted value, and what is refused."""

import pytest

from sidestream.pasted import cleaned


@pytest.mark.parametrize("nothing", ["", " ", "\n", "\u200b"])
def test_nothing_is_no_reference(nothing: str) -> None:
    assert cleaned(nothing) == ""


@pytest.mark.parametrize("reference", ["${NAME}", "$(NAME)", " ${NAME}\n"])
def test_a_reference_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="reference"):
        cleaned(reference)
