"""`sidestream ttft`: what it measures, what it says of it, and its exit code."""

import asyncio
import json
from pathlib import Path

import httpx2
import pytest

from sidestream.cli.first_token import Sample, Summary, percentile, read_server_timing, subject
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.command import run


async def ttft(system: LocalSystem, *arguments: str) -> tuple[int, str, str]:
    folder = str(system.options.folder)
    done = await asyncio.to_thread(run, "ttft", "--folder", folder, *arguments)
    return done.returncode, done.stdout, done.stderr


async def test_it_measures_every_message_once_and_leaves_nothing_behind(
    system: LocalSystem, tmp_path: Path
) -> None:
    user = new_id("user")
    png, report = tmp_path / "ttft.png", tmp_path / "ttft.json"
    code, output, errors = await ttft(
        system,
        *("--count", "3", "--user", user, "--target-ms", "30000"),
        *("--png", str(png), "--json", str(report)),
    )
    assert (code, errors) == (0, "")
    assert "100% within 30000 ms" in output
    assert png.read_bytes().startswith(b"\x89PNG")

    document = json.loads(report.read_text())
    assert document["summary"]["count"] == 3
    assert document["summary"]["kept"] is True
    assert [sample["number"] for sample in document["samples"]] == [1, 2, 3]
    for sample in document["samples"]:
        assert sample["ttft_ms"] >= sample["server_ms"] > 0
        assert set(sample["parts"]) == {"auth", "prepare", "database", "model", "network"}
        assert sum(sample["parts"].values()) == pytest.approx(sample["ttft_ms"], abs=0.5)

    bearer = {"Authorization": f"Bearer {system.token(user)}"}
    async with httpx2.AsyncClient(base_url=system.chat.url, headers=bearer) as client:
        listing = {"type": "threads.list", "params": {"limit": 10, "order": "desc"}}
        threads = await client.post("/api/chatkit", json=listing)
    assert threads.json()["data"] == []


async def test_late_ones_are_named_with_where_the_time_went(system: LocalSystem) -> None:
    code, output, _ = await ttft(system, "--count", "2", "--target-ms", "1")
    assert code == 1
    assert "0% within 1 ms" in output
    assert "request 1 was late" in output
    assert "model" in output


async def test_a_failed_message_counts_as_late(system: LocalSystem) -> None:
    system.model.fail_next(401, times=1)
    code, output, _ = await ttft(system, "--count", "1", "--target-ms", "30000")
    assert code == 1
    assert "request 1 failed" in output


async def test_cloudwatch_has_the_same_turns(system: LocalSystem, tmp_path: Path) -> None:
    code, _, errors = await ttft(system, "--count", "2", "--target-ms", "30000")
    assert (code, errors) == (0, "")
    assert await asyncio.to_thread(system.metrics.flush)
    report = tmp_path / "cloudwatch.json"
    code, output, errors = await ttft(system, "--cloudwatch", "--json", str(report))
    assert errors == ""
    assert "were in time" in output
    document = json.loads(report.read_text())
    assert sum(bucket["count"] for bucket in document["buckets"]) >= 2
    assert code == (0 if document["share"] >= 0.9 else 1)


async def test_it_says_what_is_missing(tmp_path: Path) -> None:
    for arguments in (
        ("--folder", str(tmp_path)),
        ("--folder", str(tmp_path), "--cloudwatch"),
        ("--url", "http://127.0.0.1:9", "--token", "not-a-jwt"),
    ):
        done = await asyncio.to_thread(run, "ttft", *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("sidestream: ")
        assert "Traceback" not in done.stderr


def test_percentiles_are_nearest_rank() -> None:
    values = [float(value) for value in range(1, 11)]
    assert (percentile(values, 50), percentile(values, 90), percentile(values, 99)) == (5, 9, 10)
    assert percentile([7.0], 50) == 7
    assert percentile([], 50) is None


def test_the_promise_is_ninety_percent_of_all_messages() -> None:
    good, late = Sample(1, 100.0), Sample(2, 900.0)
    failed = Sample(3, None, error="no answer")
    assert Summary.of([good] * 9 + [late], 500).kept
    assert not Summary.of([good] * 8 + [late, failed], 500).kept
    assert Summary.of([failed], 500).p50_ms is None
    assert Sample(1, 500.0).within(500)


def test_the_parts_of_a_sample_add_up() -> None:
    sample = Sample(1, 100.0, 80.0, {"auth": 1.0, "database": 9.0})
    assert sample.parts() == {"auth": 1.0, "database": 9.0, "model": 70.0, "network": 20.0}


def test_server_timing_is_read() -> None:
    assert read_server_timing("cold, auth;dur=0.25, database;dur=7") == (
        {"auth": 0.25, "database": 7.0},
        True,
    )
    assert read_server_timing("") == ({}, False)


@pytest.mark.parametrize("token", ["", "a.b.c", "no-dots", "a.e30.c"])
def test_a_token_without_a_subject_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        subject(token)
