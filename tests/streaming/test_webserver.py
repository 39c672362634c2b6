"""The address that uvicorn listens on."""

import pytest

from sidestream.streaming.errors import SettingsError
from sidestream.streaming.webserver import address


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("192.0.2.1:3000", ("192.0.2.1", 3000)),
        ("http://127.0.0.1:3000/", ("127.0.0.1", 3000)),
        ("[::1]:3000", ("::1", 3000)),
    ],
)
def test_addresses(endpoint: str, expected: tuple[str, int]) -> None:
    assert address(endpoint) == expected


@pytest.mark.parametrize("endpoint", ["", "localhost", "http://localhost/"])
def test_an_address_needs_a_port(endpoint: str) -> None:
    with pytest.raises(SettingsError):
        address(endpoint)
