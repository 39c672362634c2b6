"""`sidestream ttft`: how long the first word takes, and where the time goes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sidestream.cli.chat import reach
from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption

if TYPE_CHECKING:
    from sidestream.cli.first_token import Sample, Summary
    from sidestream.cli.metrics import Bucket

EXIT_LATE: Final = 1


def ttft(
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many messages.")] = 10,
    url: Annotated[
        str | None, typer.Option(help="A deployed ChatFunction. Without it, the local system.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="SIDESTREAM_TOKEN", help="Your token for --url.")
    ] = None,
    user: Annotated[str, typer.Option(help="Whom the local system takes you for.")] = "ttft",
    message: Annotated[str, typer.Option(help="What to say each time.")] = "Hello!",
    target_ms: Annotated[int, typer.Option(min=1, help="What counts as in time.")] = 500,
    png: Annotated[Path | None, typer.Option(help="Draw a histogram here.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all of it here.")] = None,
    cloudwatch: Annotated[
        bool, typer.Option("--cloudwatch", help="Send nothing: read what CloudWatch has.")
    ] = False,
    stage: Annotated[
        str | None, typer.Option(help="The stage to read, with --cloudwatch and without --url.")
    ] = None,
    window: Annotated[
        int, typer.Option(min=1, help="Minutes to look back, with --cloudwatch.")
    ] = 60,
    region: Annotated[str | None, typer.Option(help="AWS region, with --cloudwatch.")] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Measure the time to first token. Exit code 1 when under 90 % come in time."""
    console = Console(highlight=False)
    if cloudwatch:
        kept = _read(console, stage, window, region, folder, json_file)
    else:
        base_url, bearer = reach(folder, user, url, token)
        kept = _measure(console, base_url, bearer, count, message, target_ms, png, json_file)
    if not kept:
        raise typer.Exit(EXIT_LATE)


def _measure(
    console: Console,
    base_url: str,
    token: str,
    count: int,
    message: str,
    target_ms: int,
    png: Path | None,
    json_file: Path | None,
) -> bool:
    from sidestream.cli.first_token import Probe, Summary, report

    try:
        probe = Probe(base_url, token)
    except ValueError as error:
        raise CommandError(f"Nothing was sent: {error}.") from error
    with probe:
        numbers = track(range(1, count + 1), "Sending", console=console, transient=True)
        samples = [probe.send(number, message) for number in numbers]
    summary = Summary.of(samples, target_ms)
    console.print(_table(samples, target_ms))
    console.print(_sentence(summary))
    for sample in samples:
        if not sample.within(target_ms):
            console.print(_late(sample), markup=False)
    if png is not None:
        draw(samples, summary, png)
        console.print(f"histogram {png}", style="dim")
    if json_file is not None:
        _write(json_file, report(samples, summary, base_url))
    return summary.kept


def _table(samples: "Sequence[Sample]", target_ms: int) -> Table:
    phases = list(dict.fromkeys(name for sample in samples for name in sample.parts()))
    table = Table("#", "first word", *phases, "", title="Time to first token, in ms")
    for sample in samples:
        parts = sample.parts()
        marks = [mark for mark in ("cold start" * sample.cold_start, sample.error) if mark]
        table.add_row(
            str(sample.number),
            "-" if sample.ttft_ms is None else f"{sample.ttft_ms:.0f}",
            *(f"{parts[name]:.1f}" if name in parts else "" for name in phases),
            ", ".join(marks),
            style=None if sample.within(target_ms) else "bold red",
        )
    return table


def _sentence(summary: "Summary") -> str:
    shown = [
        f"{name} {'-' if value is None else format(value, '.0f')} ms"
        for name, value in (
            ("p50", summary.p50_ms),
            ("p90", summary.p90_ms),
            ("p99", summary.p99_ms),
        )
    ]
    share = f"{summary.share:.0%} within {summary.target_ms:.0f} ms"
    return f"{'   '.join(shown)}   [{'green' if summary.kept else 'bold red'}]{share}[/]"


def _late(sample: "Sample") -> str:
    if sample.error:
        return f"request {sample.number} failed: {sample.error} {sample.request_id}".rstrip()
    parts = sorted(sample.parts().items(), key=lambda part: -part[1])
    where = ", ".join(f"{name} {ms:.0f} ms" for name, ms in parts)
    cold = " on a cold start" if sample.cold_start else ""
    return f"request {sample.number} was late{cold}: {where} (request id {sample.request_id})"


def draw(samples: "Sequence[Sample]", summary: "Summary", path: Path) -> None:
    """Draw the histogram of the samples as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    warm = [s.ttft_ms for s in samples if s.ttft_ms is not None and not s.cold_start]
    cold = [s.ttft_ms for s in samples if s.ttft_ms is not None and s.cold_start]
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.hist([warm, cold], bins=20, stacked=True, label=["warm", "cold start"])
    axes.axvline(summary.target_ms, color="black", linestyle="--", label="target")
    if summary.p90_ms is not None:
        axes.axvline(summary.p90_ms, color="tab:red", label="p90")
    axes.set(xlabel="time to first token, ms", ylabel="messages", title=f"{summary.count} messages")
    axes.legend()
    figure.savefig(path, format="png", dpi=120)


def _read(
    console: Console,
    stage: str | None,
    window: int,
    region: str | None,
    folder: Path,
    json_file: Path | None,
) -> bool:
    from dataclasses import asdict

    from sidestream.cli.first_token import PROMISE
    from sidestream.cli.metrics import read
    from sidestream.local.emulator.variables import REGION
    from sidestream.local.endpoints import Endpoints

    local = Endpoints.read(folder) if stage in (None, "local") else None
    if local is None and stage is None:
        raise CommandError("No local system runs here; name a deployed one with --stage.")
    buckets = read(
        stage or "local", window, REGION if local else region, local.aws if local else None
    )
    if not buckets:
        raise CommandError(f"CloudWatch has no first tokens of the last {window} minutes.")
    console.print(_bucket_table(buckets))
    share = sum(bucket.on_time for bucket in buckets) / sum(bucket.count for bucket in buckets)
    console.print(f"{share:.0%} of {sum(bucket.count for bucket in buckets)} were in time")
    if json_file is not None:
        _write(json_file, {"share": share, "buckets": [asdict(bucket) for bucket in buckets]})
    return share >= PROMISE


def _bucket_table(buckets: "Sequence[Bucket]") -> Table:
    table = Table("from", "turns", "p50", "p90", "p99", "in time", title="Time to first token")
    for bucket in buckets:
        figures = (bucket.p50_ms, bucket.p90_ms, bucket.p99_ms)
        table.add_row(
            f"{bucket.start:%d %b %H:%M}",
            str(bucket.count),
            *("-" if value is None else f"{value:.0f}" for value in figures),
            f"{bucket.on_time / bucket.count:.0%}",
        )
    return table


def _write(path: Path, document: object) -> None:
    import json

    path.write_text(json.dumps(document, indent=2, default=str) + "\n", encoding="utf-8")
