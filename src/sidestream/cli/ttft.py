"""`sidestream ttft`: how long the first word takes, and where the time goes."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from sidestream.cli.chat import reach
from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption
from sidestream.cli.option import pasted
from sidestream.cli.transcript import printable

if TYPE_CHECKING:
    from sidestream.cli.first_token import Sample, Summary
    from sidestream.cli.metrics import Bucket

EXIT_LATE: Final = 1


def ttft(
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many messages.")] = 10,
    url: Annotated[
        str | None, pasted(help="A deployed ChatFunction. Without it, the local system.")
    ] = None,
    token: Annotated[
        str | None, pasted(envvar="SIDESTREAM_TOKEN", help="Your token for --url.")
    ] = None,
    user: Annotated[str, typer.Option(help="Whom the local system takes you for.")] = "ttft",
    message: Annotated[str, typer.Option(help="What to say each time.")] = "Hello!",
    target_ms: Annotated[int, typer.Option(min=1, help="What counts as in time.")] = 500,
    plot: Annotated[
        Path | None, typer.Option("--plot", "--png", help="Draw a histogram here, as PNG.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all of it here.")] = None,
    cloudwatch: Annotated[
        bool, typer.Option("--cloudwatch", help="Send nothing: read what CloudWatch has.")
    ] = False,
    stage: Annotated[
        str | None,
        pasted(help="The deployed stage to read, with --cloudwatch. Without it, local."),
    ] = None,
    window: Annotated[
        str, typer.Option(help="How far back, with --cloudwatch: 30m, 1h, 7d.")
    ] = "1h",
    region: Annotated[str | None, pasted(help="AWS region, with --cloudwatch.")] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Measure the time to first token. Exit code 1 when under 90 % come in time."""
    console = Console(highlight=False)
    if cloudwatch:
        kept = _read(console, stage, window, region, folder, json_file)
    else:
        reached = reach(folder, user, url, token)
        samples = _send(console, *reached, count, message)
        kept = _report(console, samples, target_ms, reached[0], plot, json_file)
    if not kept:
        raise typer.Exit(EXIT_LATE)


def _send(console: Console, base_url: str, token: str, count: int, message: str) -> "list[Sample]":
    from sidestream.cli.first_token import Probe

    with Probe(base_url, token) as probe:
        numbers = track(range(1, count + 1), "Sending", console=console, transient=True)
        return [probe.send(number, message) for number in numbers]


def _report(
    console: Console,
    samples: "Sequence[Sample]",
    target_ms: int,
    base_url: str,
    plot: Path | None,
    json_file: Path | None,
) -> bool:
    """Show what was measured. Tells whether enough came in time."""
    from sidestream.cli.first_token import Summary, report

    summary = Summary.of(samples, target_ms)
    console.print(_table(samples, target_ms))
    console.print(_sentence(summary))
    for sample in samples:
        if not sample.within(target_ms):
            console.print(_late(sample), markup=False, soft_wrap=True)
    if plot is not None:
        draw(samples, summary, plot)
        console.print(f"histogram {plot}", style="dim", markup=False)
    if json_file is not None:
        _write(json_file, report(samples, summary, base_url))
    return summary.kept


def _table(samples: "Sequence[Sample]", target_ms: int) -> Table:
    table = Table(
        *("#", "first word", "first event", "total", "status", ""),
        title="Time to first token, in ms",
    )
    for sample in samples:
        marks = [
            mark for mark in ("cold start" * sample.cold_start, printable(sample.error)) if mark
        ]
        table.add_row(
            str(sample.number),
            *(_ms(value) for value in (sample.ttft_ms, sample.first_event_ms, sample.total_ms)),
            "-" if sample.status is None else str(sample.status),
            Text(", ".join(marks)),
            style=None if sample.within(target_ms) else "bold red",
        )
    return table


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _sentence(summary: "Summary") -> Text:
    ranks = {"p50": summary.p50_ms, "p90": summary.p90_ms, "p99": summary.p99_ms}
    shown = "   ".join(f"{name} {_ms(value)} ms" for name, value in ranks.items())
    share = f"{summary.share:.0%} within {summary.target_ms:.0f} ms"
    extra = [
        f"{number} {what}"
        for number, what in ((summary.failed, "failed"), (summary.cold_starts, "on a cold start"))
        if number
    ]
    return Text.assemble(
        shown,
        "   ",
        (share, "green" if summary.kept else "bold red"),
        f"   ({', '.join(extra)})" if extra else "",
    )


def _late(sample: "Sample") -> str:
    if sample.error:
        reason = printable(sample.error)
        return f"request {sample.number} failed: {reason} {sample.request_id}".rstrip()
    parts = sorted(sample.parts().items(), key=lambda part: -part[1])
    where = ", ".join(f"{name} {ms:.0f} ms" for name, ms in parts)
    cold = " on a cold start" if sample.cold_start else ""
    return f"request {sample.number} was late{cold}: {where} (request id {sample.request_id})"


def draw(samples: "Sequence[Sample]", summary: "Summary", path: Path) -> None:
    """Draw the histogram of the samples as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    answered = [sample for sample in samples if not sample.error]
    warm = [s.ttft_ms for s in answered if s.ttft_ms is not None and not s.cold_start]
    cold = [s.ttft_ms for s in answered if s.ttft_ms is not None and s.cold_start]
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    kinds = {"warm": warm, "cold start": cold} if cold else {"warm": warm}
    axes.hist(list(kinds.values()), bins=20, stacked=True, label=list(kinds))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.axvline(summary.target_ms, color="black", linestyle="--", label="target")
    if summary.p90_ms is not None:
        axes.axvline(summary.p90_ms, color="tab:red", label="p90")
    axes.set(xlabel="time to first token, ms", ylabel="messages", title=f"{summary.count} messages")
    axes.legend()
    try:
        figure.savefig(path, format="png", dpi=120)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _read(
    console: Console,
    stage: str | None,
    window: str,
    region: str | None,
    folder: Path,
    json_file: Path | None,
) -> bool:
    from sidestream.cli.first_token import PROMISE
    from sidestream.cli.metrics import read, window_s
    from sidestream.local.emulator.variables import REGION
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.environment import isolate

    local = Endpoints.read(folder) if stage in (None, "local") else None
    if local is None and stage is None:
        raise CommandError("No local system runs here; name a deployed one with --stage.")
    if local is not None:
        isolate()
    found = read(
        stage or "local",
        window_s(window),
        REGION if local else region,
        local.aws if local else None,
    )
    if found is None:
        raise CommandError(f"CloudWatch has no first tokens of the last {window}.")
    whole, parts = found
    console.print(_bucket_table(whole, parts))
    late = whole.count - whole.on_time
    console.print(f"{whole.share:.0%} of {whole.count} were in time, {late} were not")
    if json_file is not None:
        document = {**asdict(whole), "share": whole.share, "promise": PROMISE}
        _write(json_file, {"whole": document, "parts": [asdict(part) for part in parts]})
    return whole.share >= PROMISE


def _bucket_table(whole: "Bucket", parts: "Sequence[Bucket]") -> Table:
    table = Table(
        *("from", "runs", "p50", "p90", "p99", "in time", "cold starts"),
        title="Time to first token, in ms",
    )
    for bucket in [*parts, whole]:
        table.add_row(
            "all" if bucket is whole else f"{bucket.start:%d %b %H:%M}",
            str(bucket.count),
            *(_ms(value) for value in (bucket.p50_ms, bucket.p90_ms, bucket.p99_ms)),
            f"{bucket.share:.0%}",
            str(bucket.cold_starts),
            style="bold" if bucket is whole else None,
        )
    return table


def _write(path: Path, document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2, default=str)
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
