"""A gradual release is rolled back when it must be, and not when it need not, by the template."""

from dataclasses import replace

import pytest
from benchmarks.rollback import (
    DECIDING,
    DECIDING_RATE,
    VERSIONS,
    Alarm,
    Did,
    chance,
    shares,
    template,
)

ALARMS, KINDS = template()
ROUNDS = 2_000
BY_NAME = {version.name: version for version in VERSIONS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", DECIDING)
def test_at_twenty_runs_a_minute_each_kind_of_release_decides_rightly(
    kind: str, version: str
) -> None:
    found = chance(ALARMS, BY_NAME[version], DECIDING_RATE, kind, ROUNDS)
    if BY_NAME[version].bad:
        assert found.rolled_back >= 0.99
    else:
        assert found.rolled_back <= 0.01
    assert not found.wrong


@pytest.mark.parametrize("rate", [1, 5, 100])
def test_a_healthy_version_stays_at_any_traffic(rate: int) -> None:
    for kind in KINDS:
        assert chance(ALARMS, BY_NAME["healthy"], rate, kind, ROUNDS).rolled_back <= 0.01, kind


@pytest.mark.parametrize("version", ["always fails", "always late"])
def test_where_there_is_little_traffic_a_long_release_sees_it(version: str) -> None:
    seen = chance(ALARMS, BY_NAME[version], 1, "Linear10PercentEvery3Minutes", ROUNDS)
    assert seen.rolled_back >= 0.99


def test_what_is_too_short_is_not_offered() -> None:
    short = "Canary10Percent5Minutes"
    assert short not in KINDS
    found = chance(ALARMS, BY_NAME["always fails"], DECIDING_RATE, short, ROUNDS)
    assert found.wrong


@pytest.mark.parametrize(
    ("threshold", "version"), [(9.0, "always late"), (-0.6, "healthy"), (-0.6, "always fails")]
)
def test_another_threshold_decides_otherwise(threshold: float, version: str) -> None:
    moved = [replace(alarm, threshold=threshold) for alarm in ALARMS]
    found = chance(moved, BY_NAME[version], DECIDING_RATE, KINDS[0], ROUNDS)
    assert found.wrong is (version != "always fails")


def test_windows_are_looked_at_as_cloudwatch_does() -> None:
    alarm = Alarm(
        formula=compile("failed", "test", "eval"),
        reads={"failed": ("RunErrors", "Sum")},
        period_min=2,
        periods=2,
        breaches=2,
        comparison="GreaterThanThreshold",
        threshold=0,
    )
    # One run a minute, but for the third; those of the first minute and of the fourth fail.
    done = [Did(1, 1), Did(2, 1), Did(2, 1), Did(3, 2), Did(4, 2), Did(5, 2)]
    assert [end for end in range(1, 7) if alarm.rings(done[:end])] == [4]
    assert all(replace(alarm, breaches=1).rings(done[:end]) for end in range(1, 7))
    assert not replace(alarm, breaches=1).rings([Did(), Did()])


def test_a_release_gives_its_share_of_the_traffic() -> None:
    assert shares("Canary10Percent15Minutes") == [0.1] * 15
    assert shares("Linear10PercentEvery3Minutes")[2:5] == [0.1, 0.2, 0.2]
    with pytest.raises(ValueError, match="no gradual release"):
        shares("AllAtOnce")
