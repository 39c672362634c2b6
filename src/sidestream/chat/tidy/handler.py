"""TidyFunction's entry point for AWS's runtime client: `sidestream.chat.tidy.handler.handler`.

A schedule invokes it. What fails is a failed invocation, which an alarm tells of, and the next one
goes on.
"""

import asyncio
from collections import Counter
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from sidestream.chat.tidy.job import tidy
from sidestream.config import TidySettings
from sidestream.telemetry import emit, logger, write_one_line

log = logger("tidy")
write_one_line()


def handler(_event: Any, _context: Any) -> dict[str, int]:
    """Tidy, and give how many of which went. Raises `SettingsError` and `Problem`."""
    settings = TidySettings.load()
    gone: Counter[str] = Counter()
    try:
        asyncio.run(tidy(settings, gone))
    finally:
        _tell(gone, settings.stage)
    return dict(gone)


def _tell(gone: Counter[str], stage: str) -> None:
    """Write the EMF record and the log line of what went, also of what failed after that."""
    rows = gone.total() - gone["files"] - gone["settled"]
    metrics = {
        "TidiedRows": (MetricUnit.Count, float(rows)),
        "TidiedFiles": (MetricUnit.Count, float(gone["files"])),
    }
    emit("tidy", metrics, dict(gone), {"stage": stage})
    log.info("tidied", extra={"stage": stage, **gone})
