"""How sure a gradual release is to be rolled back when it must be, and not to be when it need not.

Plays releases against the alarms of `template.yaml`, whose formulas, thresholds and periods are
read from there, with every kind of release that `DeploymentType` offers. Runs come at random, at so
many a minute over all versions, and the new one gets its share of them.

    python -m benchmarks.rollback --rounds 20000 --output results.json

What CloudWatch does is from "Using Amazon CloudWatch alarms": an alarm is evaluated every minute,
on as many windows of `Period` as it has periods, which end then. Assumed on top, as no page says
it: what happens in a minute is in the metrics a minute later, and CodeDeploy learns of an alarm
within another. Exit code 1 when at twenty runs a minute a version that always fails, or is always
late, is rolled back less often than 0.99, or a healthy one more often than 0.01.
"""

import argparse
import bisect
import json
import math
import operator
import random
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, Final, NamedTuple, Self

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = Path(__file__).parent / "results"
RATES: Final = (1, 5, 20, 100)
"""Runs a minute, over all versions."""
DECIDING_RATE: Final = 20
SEEN_AT_LEAST, FALSE_AT_MOST = 0.99, 0.01
METRICS_AFTER_MIN: Final = 1
STOPPED_AFTER_MIN: Final = 1

_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, slots=True)
class Version:
    """A new version: the share of its runs that fail, and of its first tokens that are late. With
    `cold`, the first one is late in any case."""

    name: str
    failing: float
    late: float
    bad: bool
    cold: bool = False


VERSIONS: Final = (
    Version("always fails", 1.0, 0.0, bad=True),
    Version("always late", 0.0, 1.0, bad=True),
    Version("fails in a third", 1 / 3, 0.05, bad=True),
    Version("late in half", 0.01, 0.5, bad=True),
    Version("healthy", 0.01, 0.05, bad=False),
    Version("healthy, cold at first", 0.01, 0.05, bad=False, cold=True),
)
DECIDING: Final = {"always fails", "always late", "healthy", "healthy, cold at first"}


class Did(NamedTuple):
    """What a version did since it began: its runs, the failed ones, first tokens, the late ones."""

    runs: int = 0
    failed: int = 0
    tokens: int = 0
    late: int = 0

    def since(self, before: "Did") -> "Did":
        """Give what it did after that."""
        return Did(*map(operator.sub, self, before))

    def statistic(self, metric: str, stat: str) -> float | None:
        """Give a metric's statistic, as CloudWatch has it; None where there is no data."""
        if metric == "RunErrors":
            count, total = self.runs, self.failed
        else:
            count, total = self.tokens, self.tokens - self.late
        return None if count == 0 else float(count if stat == "SampleCount" else total)


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm on a formula of metrics, as the template has it. Missing data is no breach."""

    formula: CodeType
    reads: dict[str, tuple[str, str]]
    """By its name in the formula: a metric and its statistic."""
    period_min: int
    periods: int
    breaches: int
    comparison: str
    threshold: float

    @classmethod
    def of(cls, properties: dict[str, Any]) -> Self:
        """Read it from the template. Raises `ValueError` for what is not simulated here."""
        if properties["TreatMissingData"] != "notBreaching":
            raise ValueError("missing data of a version is no breach")
        [formula] = [each["Expression"] for each in properties["Metrics"] if "Expression" in each]
        if not re.fullmatch(r"[a-z_\d .+*/^()-]+", formula):
            raise ValueError(f"{formula} has more than arithmetic")
        stats = {e["Id"]: e["MetricStat"] for e in properties["Metrics"] if "MetricStat" in e}
        [period] = {stat["Period"] for stat in stats.values()}
        periods = properties["EvaluationPeriods"]
        return cls(
            compile(formula.replace("^", "**"), "template.yaml", "eval"),
            {name: (stat["Metric"]["MetricName"], stat["Stat"]) for name, stat in stats.items()},
            period // 60,
            periods,
            properties.get("DatapointsToAlarm", periods),
            properties["ComparisonOperator"],
            float(properties["Threshold"]),
        )

    def rings(self, done: Sequence[Did]) -> bool:
        """Tell whether it is in alarm at the end of the last of these minutes."""
        end, found = len(done), 0
        for window in range(self.periods):
            until = end - window * self.period_min
            if until > 0:
                since = until - self.period_min
                found += self._is_breach(
                    done[until - 1].since(done[since - 1] if since > 0 else Did())
                )
        return found >= self.breaches

    def _is_breach(self, window: Did) -> bool:
        values = {name: window.statistic(*read) for name, read in self.reads.items()}
        if None in values.values():
            return False
        value = eval(self.formula, {"__builtins__": {}}, values)  # noqa: S307 - arithmetic alone
        return _COMPARISONS[self.comparison](value, self.threshold)


def shares(kind: str) -> list[float]:
    """Give the new version's share of the traffic, minute by minute until it has all of it."""
    canary = re.fullmatch(r"Canary(\d+)Percent(\d+)Minutes", kind)
    linear = re.fullmatch(r"Linear(\d+)PercentEvery(\d+)Minutes?", kind)
    if canary:
        return [int(canary[1]) / 100] * int(canary[2])
    if linear:
        step, minutes = int(linear[1]), int(linear[2])
        return [share / 100 for share in range(step, 100, step) for _ in range(minutes)]
    raise ValueError(f"{kind} is no gradual release")


def play(version: Version, rate: float, kind: str, rng: random.Random) -> list[Did]:
    """Give what a new version has done by the end of each minute of its release."""
    done, cold = [Did()], version.cold
    for share in shares(kind):
        runs = _poisson(rate * share, rng)
        failed = rng.binomialvariate(runs, version.failing)
        tokens = runs - failed
        late = rng.binomialvariate(tokens, version.late)
        if cold and tokens:
            late, cold = max(late, 1), False
        done.append(Did(*map(operator.add, done[-1], (runs, failed, tokens, late))))
    return done[1:]


def is_rolled_back(alarms: list[Alarm], done: Sequence[Did]) -> bool:
    """Tell whether an alarm rings while the release can still be stopped."""
    last = len(done) - METRICS_AFTER_MIN - STOPPED_AFTER_MIN
    return any(alarm.rings(done[:end]) for end in range(1, last + 1) for alarm in alarms)


@dataclass(frozen=True, slots=True)
class Chance:
    """How often a version was rolled back, of all the releases that were played."""

    kind: str
    version: str
    rate: int
    rolled_back: float
    wrong: bool


def chance(alarms: list[Alarm], version: Version, rate: int, kind: str, rounds: int) -> Chance:
    """Play so many releases. The same ones each time."""
    rng = random.Random(1)  # noqa: S311 - nothing secret
    played = (play(version, rate, kind, rng) for _ in range(rounds))
    share = sum(is_rolled_back(alarms, done) for done in played) / rounds
    wrong = share < SEEN_AT_LEAST if version.bad else share > FALSE_AT_MOST
    decides = rate == DECIDING_RATE and version.name in DECIDING
    return Chance(kind, version.name, rate, share, wrong and decides)


def template() -> tuple[list[Alarm], list[str]]:
    """Read the alarms on runs that stop a release of the chat, and the gradual kinds of release."""
    document = json.loads(json.dumps(cfn_yaml.load(str(ROOT / "template.yaml")), default=str))
    resources = document["Resources"]
    preference = resources["ChatFunction"]["Properties"]["DeploymentPreference"]
    _condition, stopping, _none = preference["Alarms"]["Fn::If"]
    alarms = [resources[alarm["Ref"]]["Properties"] for alarm in stopping]
    about_runs = [alarm for alarm in alarms if _reads_runs(alarm)]
    kinds = document["Parameters"]["DeploymentType"]["AllowedValues"]
    return [Alarm.of(alarm) for alarm in about_runs], [k for k in kinds if k != "AllAtOnce"]


def _reads_runs(alarm: dict[str, Any]) -> bool:
    metrics = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
    return {metric["MetricName"] for metric in metrics} <= {"RunErrors", "TTFTWithinTarget"}


@cache
def _cumulated(mean: float) -> list[float]:
    chances, total = [], 0.0
    term = math.exp(-mean)
    for count in range(1, int(mean + 12 * math.sqrt(mean) + 20)):
        total += term
        chances.append(total)
        term *= mean / count
    return chances


def _poisson(mean: float, rng: random.Random) -> int:
    return bisect.bisect(_cumulated(mean), rng.random())


def show(found: list[Chance]) -> None:
    """Print a table for each kind of release: versions down, runs a minute across."""
    for kind in dict.fromkeys(each.kind for each in found):
        print(f"\n{kind:<28}" + "".join(f"{f'{rate} a minute':>14}" for rate in RATES))
        for version in VERSIONS:
            row = [c for c in found if (c.kind, c.version) == (kind, version.name)]
            cells = (f"{c.rolled_back:.4f}{' !' if c.wrong else '  '}" for c in row)
            print(f"  {version.name:<26}" + "".join(f"{cell:>14}" for cell in cells))


def main() -> int:
    """Play, print, write the figures, give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5_000, help="releases played of each kind")
    parser.add_argument("--output", type=Path, default=RESULTS / "rollback.json")
    options = parser.parse_args()
    alarms, kinds = template()
    found = [
        chance(alarms, version, rate, kind, options.rounds)
        for kind in kinds
        for version in VERSIONS
        for rate in RATES
    ]
    show(found)
    options.output.parent.mkdir(exist_ok=True)
    chances = [asdict(each) for each in found]
    results = {"rate": DECIDING_RATE, "kind": kinds[0], "chances": chances}
    options.output.write_text(json.dumps(results, indent=1))
    return int(any(each.wrong for each in found))


if __name__ == "__main__":
    sys.exit(main())
