"""Building the page: what a build that failed says, and what it leaves behind. Next.js is played by
a script that keeps mistakes in its cache, as Next.js does."""

from pathlib import Path

import pytest

from sidestream.local import page as module
from sidestream.local.page import Page, PageError

NEXT = """
const fs = require("fs");
fs.mkdirSync(".next/cache", { recursive: true });
const source = fs.readFileSync("page.tsx", "utf8");
if (source.includes("mistake")) fs.writeFileSync(".next/cache/bad", "");
console.log("Next.js, an optimized build ...");
if (fs.existsSync(".next/cache/bad")) {
  console.log("Error: Cannot find module 'tailwindcss'");
  for (let depth = 0; depth < 60; depth++) console.log(`    at frame ${depth}`);
  process.exit(1);
}
fs.appendFileSync("builds", "x");
"""


@pytest.fixture
def frontend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"page.tsx": "fine", "scripts/migrate.mjs": "", module._NEXT: NEXT}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "FRONTEND", tmp_path)
    monkeypatch.setattr(module, "_INSTALLED", tmp_path / "node_modules" / ".sidestream-setup")
    monkeypatch.setattr(module, "_NOT_SOURCES", module._NOT_SOURCES | {"builds"})
    return tmp_path


async def build() -> None:
    said: list[str] = []
    await Page(0, {}, on_line=said.append, on_build_line=said.append).prepare()


def builds(frontend: Path) -> int:
    return len((frontend / "builds").read_text())


async def test_a_failure_begins_with_its_cause_and_is_over_once_it_is_mended(
    frontend: Path,
) -> None:
    (frontend / "page.tsx").write_text("mistake")
    with pytest.raises(PageError) as raised:
        await build()
    assert str(raised.value).splitlines()[:2] == [
        "The page could not be built:",
        "Error: Cannot find module 'tailwindcss'",
    ]
    (frontend / "page.tsx").write_text("fine")
    await build()
    assert builds(frontend) == 1


async def test_it_is_built_again_for_other_sources_and_other_packages(frontend: Path) -> None:
    await build()
    cached = frontend / ".next" / "cache" / "good"
    cached.touch()
    await build()
    assert builds(frontend) == 1
    (frontend / "page.tsx").write_text("finer")
    await build()
    assert builds(frontend) == 2
    (frontend / "node_modules" / ".sidestream-setup").write_text("2")
    await build()
    assert builds(frontend) == 3
    assert cached.exists()


def test_a_checkout_without_a_page_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "FRONTEND", tmp_path)
    with pytest.raises(PageError, match="start without --web"):
        module.shows("tasks")
