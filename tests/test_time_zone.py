"""Time zones by their names, whoever says them."""

from datetime import UTC, datetime

import pytest

from sidestream.time_zone import time_zone
from sidestream.tool_server.fields import stamp


@pytest.mark.parametrize(
    "name",
    [
        "Asia/Karachi",
        "Asia/Calcutta",  # as Chromium calls it
        "America/Argentina/Buenos_Aires",
        "America/Port-au-Prince",
        "Etc/GMT+12",
        "UTC",
    ],
)
def test_a_name_is_a_zone(name: str) -> None:
    assert time_zone(name).key == name
    assert time_zone(None, "Nowhere/Else", name, "Asia/Tokyo").key == name


@pytest.mark.parametrize(
    "name",
    [
        None,
        7,
        ["UTC"],
        "",
        " ",
        "Asia",
        "Asia/Atlantis",
        "Etc/Unknown",
        "+05:00",
        "../../etc/passwd",
        "/etc/localtime",
        "Asia/../Asia/Karachi",
        "Asia/Karachi\x00",
        "Asia/Karachi\n",
        "zone.tab",
        "A" * 100_000,
        "آسیا/کراچی",
    ],
)
def test_what_is_no_name_is_utc(name: object) -> None:
    assert time_zone(name).key == "UTC"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-12-31T20:30:00Z"),
        ("Europe/London", "2026-12-31T20:30:00Z"),
        ("Asia/Kathmandu", "2027-01-01T02:15:00+05:45"),
        ("Pacific/Kiritimati", "2027-01-01T10:30:00+14:00"),
        ("Pacific/Pago_Pago", "2026-12-31T09:30:00-11:00"),
    ],
)
def test_a_time_is_shown_by_the_clock_of_a_zone(zone: str, shown: str) -> None:
    assert stamp(datetime(2026, 12, 31, 20, 30, tzinfo=UTC), time_zone(zone)) == shown


def test_an_offset_has_no_seconds() -> None:
    """As that of Karachi in 1900 has."""
    assert stamp(datetime(1900, 1, 1, tzinfo=UTC), time_zone("Asia/Karachi")).endswith("Z")
