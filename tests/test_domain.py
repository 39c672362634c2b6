"""The seam between the chat and a domain: what a pack says, what is decided without it."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sidestream.domain import (
    Ask,
    Card,
    Domain,
    DomainError,
    RowAction,
    Tool,
    load,
    policy_of,
    readable,
)


def _entry(name: str, *arguments: str, **annotations: bool) -> dict[str, Any]:
    schema = {"type": "object", "properties": {argument: {} for argument in arguments}}
    return {
        "name": name,
        "description": "",
        "inputSchema": schema,
        "annotations": annotations,
    }


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    entries = [
        _entry("get_city", "city_id", readOnlyHint=True),
        _entry("find_cities", "query", readOnlyHint=True),
        _entry("delete_city", "city_id", readOnlyHint=False, destructiveHint=True),
        _entry("add_city", "name", readOnlyHint=False, destructiveHint=False),
    ]
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def _domain(manifest: Path, **tools: Tool) -> Domain:
    return Domain(name="cities", manifest=manifest, instructions="", tools=tools)


class TestPolicy:
    def test_what_reads_is_never_asked_about(self, manifest: Path) -> None:
        policy = _domain(manifest).policies["get_city"]
        assert (policy.reads, policy.ask) == (True, Ask.NEVER)

    @pytest.mark.parametrize("name", ["delete_city", "add_city"])
    def test_a_write_without_a_policy_asks(self, manifest: Path, name: str) -> None:
        policy = _domain(manifest).policies[name]
        assert (policy.reads, policy.ask) == (False, Ask.ALWAYS)

    def test_the_pack_decides(self, manifest: Path) -> None:
        domain = _domain(manifest, delete_city=Tool(ask=Ask.OVER(2)), add_city=Tool(ask=Ask.NEVER))
        assert domain.policies["delete_city"].ask == Ask.OVER(2)
        assert domain.policies["add_city"].ask == Ask.NEVER

    @pytest.mark.parametrize("annotations", [None, {}, {"readOnlyHint": "true"}])
    def test_hints_that_are_missing_or_odd_mean_a_write(self, annotations: object) -> None:
        entry = {"name": "peek", "inputSchema": {}, "annotations": annotations}
        assert policy_of(entry, None).ask == Ask.ALWAYS

    def test_annotations_of_a_stranger_decide_nothing(self) -> None:
        entry = _entry("get_city", readOnlyHint=True)
        assert policy_of(entry, None, trusted=False).ask == Ask.ALWAYS

    def test_titles(self, manifest: Path) -> None:
        policies = _domain(manifest, add_city=Tool(title="New city")).policies
        assert policies["add_city"].title == "New city"
        assert policies["find_cities"].title == "Find cities"
        assert readable("close-ticket_now") == "Close ticket now"


def test_without_instructions_the_model_is_told_what_holds_for_any_tools(manifest: Path) -> None:
    domain = Domain(name="cities", manifest=manifest, tools={})
    domain.check()
    assert "through the tools" in domain.instructions


class TestCheck:
    @pytest.mark.parametrize(
        ("tools", "words"),
        [
            ({"drop_city": Tool()}, "drop_city, which the server does not list"),
            ({"delete_city": Tool(target="id")}, "delete_city has no argument id"),
            ({"delete_city": Tool(look_up="get_city")}, "names no argument as its target"),
            (
                {"delete_city": Tool(target="city_id", look_up="show_city")},
                "show_city, which the server does not list",
            ),
            (
                {"delete_city": Tool(target="city_id", look_up="add_city")},
                "add_city has no argument city_id",
            ),
            (
                {"get_city": Tool(target="city_id", look_up="delete_city")},
                "delete_city does more than read",
            ),
            (
                {"delete_city": Tool(target="city_id", search="find_cities", query="words")},
                "find_cities has no argument words",
            ),
        ],
    )
    def test_a_pack_that_does_not_fit(
        self, manifest: Path, tools: dict[str, Tool], words: str
    ) -> None:
        with pytest.raises(DomainError) as raised:
            _domain(manifest, **tools).check()
        assert words in str(raised.value)
        assert "cities" in str(raised.value)

    def test_a_card_with_an_action_that_nobody_serves(self, manifest: Path) -> None:
        action = RowAction("paint_city", lambda row: {"id": row.id})
        card = Card(template=manifest, actions={"city.paint": action}, labels={})
        domain = Domain(name="cities", manifest=manifest, instructions="", tools={}, card=card)
        with pytest.raises(DomainError, match="paint_city"):
            domain.check()

    @pytest.mark.parametrize("name", ["city.paint", "paint_label"])
    def test_a_card_without_what_the_pack_gives_it(
        self, manifest: Path, tmp_path: Path, name: str
    ) -> None:
        template = tmp_path / "cities.widget"
        action = RowAction("add_city", lambda row: {"name": row.title})
        card = Card(
            template=template, actions={"city.paint": action}, labels={"paint_label": "Paint"}
        )
        domain = Domain(name="cities", manifest=manifest, tools={}, card=card)
        template.write_text("city.paint {{ paint_label }}", encoding="utf-8")
        domain.check()
        template.write_text("city.paint {{ paint_label }}".replace(name, ""), encoding="utf-8")
        with pytest.raises(DomainError, match=f"{name} is not in cities.widget"):
            domain.check()

    def test_texts_that_are_not_there(self, manifest: Path, tmp_path: Path) -> None:
        domain = Domain(name="cities", manifest=manifest, tools={}, catalogues=tmp_path / "texts")
        with pytest.raises(DomainError, match="there is no texts"):
            domain.check()

    def test_migrations_carry_the_name_of_the_domain(self, manifest: Path, tmp_path: Path) -> None:
        folder = tmp_path / "migrations"
        domain = Domain(
            name="cities", manifest=manifest, instructions="", tools={}, migrations=folder
        )
        with pytest.raises(DomainError, match="there is no migrations"):
            domain.check()
        folder.mkdir()
        for name in ("0001_cities", "0001_cities.rollback", "0002_cities_roads", "20261126_cities"):
            (folder / f"{name}.sql").touch()
        domain.check()
        (folder / "0003_citiesandtowns.sql").touch()
        with pytest.raises(DomainError, match="like 0001_cities"):
            domain.check()

    @pytest.mark.parametrize("text", ["", "[]", "{}", '[{"name": "x"}]', "[1]"])
    def test_a_manifest_that_cannot_be_read(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "tools.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DomainError, match="cities"):
            _domain(path).check()

    @pytest.mark.parametrize("path", ["sidestream.nothing", "sidestream.store", "", "a b"])
    def test_a_package_without_a_pack(self, path: str) -> None:
        with pytest.raises(DomainError, match="DOMAIN"):
            load(path)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("DOMAIN = Domian()", "name 'Domian' is not defined"),
            ("DOMAIN = Domain(", r"was never closed \(pack.py, line 1\)"),
            ("import paint", "No module named 'paint'"),
            ("TOWN = 1", "no attribute 'DOMAIN'"),
            ("DOMAIN = {}['cities']", "KeyError: 'cities'"),
        ],
    )
    def test_a_pack_with_a_mistake_is_told_with_the_mistake(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
    ) -> None:
        package = tmp_path / f"cities_{sha256(text.encode()).hexdigest()[:8]}"
        package.mkdir()
        (package / "pack.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(DomainError, match=words):
            load(package.name)
