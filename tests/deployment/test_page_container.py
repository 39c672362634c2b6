"""The page's container: the settings that its server requires, and what stays out of the image.

No image is built. The container file, the guide's `docker run` and the page's own sources are read
as text and compared, so that a new required setting has to appear in all of them.
"""

import glob
import re
import shlex
from itertools import pairwise
from pathlib import PurePosixPath

import pytest

from tests.deployment.conftest import ROOT

CONFIG = (ROOT / "frontend/src/lib/config.ts").read_text()
SERVER = (ROOT / "frontend/src/lib/auth/server.ts").read_text()
CONTAINERFILE = (ROOT / "docs/page.Containerfile").read_text()
DOCKERIGNORE = (ROOT / "docs/page.Containerfile.dockerignore").read_text()
GUIDE = (ROOT / "docs/hosting-the-page.md").read_text()

type Instruction = tuple[str, str]


def names_read(source: str) -> set[str]:
    """Every name of a setting that stands alone in quotes in a TypeScript source."""
    return set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', source))


def required_settings(source: str) -> set[str]:
    """The settings without which `readConfig` throws in `prod`.

    What is not known to be optional counts as required: only a `flag` and a number of `seconds`
    have a default, what follows `??` stands in for another setting, and the `SECRETS` are looked
    at only where they are given.
    """
    source = re.sub(r"const SECRETS = \[[^\]]*\];", "", source)
    optional = re.findall(r'(?:flag|seconds)\(\s*"(\w+)"|\?\?\s*given\("(\w+)"\)', source)
    return names_read(source) - {name for pair in optional for name in pair}


def required_secrets(source: str) -> set[str]:
    """The settings without which the server cannot sign anybody in."""
    return set(re.findall(r'\bsecret\("(\w+)"\)', source))


def instructions(stage: str) -> list[Instruction]:
    """The instructions of one build stage in order, with continued lines joined."""
    lines = [line for line in stage.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    split = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest.strip()) for word, _, rest in split]


def stages() -> list[list[Instruction]]:
    return [instructions(stage) for stage in re.split(r"(?m)^(?=FROM )", CONTAINERFILE)[1:]]


def environment(stage: list[Instruction]) -> dict[str, str]:
    """What `ENV` sets for the processes of a stage; an `ARG` does not outlive the build."""
    words = [word for name, rest in stage if name == "ENV" for word in shlex.split(rest)]
    return {name: value for name, _, value in (word.partition("=") for word in words) if value}


def guide_commands() -> list[list[str]]:
    blocks = re.findall(r"(?ms)^```\n(.*?)^```", GUIDE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines]


def given_to_the_server() -> set[str]:
    """The names after `-e` in the guide's command that publishes the page's port."""
    (command,) = (words for words in guide_commands() if words[:3] == ["docker", "run", "-p"])
    return {value.partition("=")[0] for flag, value in pairwise(command) if flag == "-e"}


def ignored(path: str) -> bool:
    """Tell whether the ignore file keeps a path from the build: the last pattern decides.

    https://docs.docker.com/build/concepts/context/#dockerignore-files
    """
    found = False
    whole = PurePosixPath(path)
    candidates = [str(part) for part in (whole, *whole.parents[:-1])]
    for line in DOCKERIGNORE.splitlines():
        if line and not line.startswith("#"):
            pattern = glob.translate(line.removeprefix("!"), recursive=True, include_hidden=True)
            if any(re.match(pattern, candidate) for candidate in candidates):
                found = not line.startswith("!")
    return found


def test_the_sources_say_what_is_required() -> None:
    assert required_settings(CONFIG) >= {"NEXT_PUBLIC_MOD", "NEXT_PUBLIC_DOMAIN_KEY"}
    assert required_secrets(SERVER) == {"DATABASE_URL", "BETTER_AUTH_SECRET"}
    optional = {"NEXT_PUBLIC_REFRESH_CACHE", "NEXT_PUBLIC_COOKIE_SECURE", "BETTER_AUTH_URL"}
    assert names_read(CONFIG) >= optional
    assert not required_settings(CONFIG) & optional


@pytest.mark.parametrize(
    "line",
    ['url("NEXT_PUBLIC_NEW")', 'required(\n  "NEXT_PUBLIC_NEW",', 'given("NEXT_PUBLIC_NEW")'],
)
def test_a_new_setting_counts_as_required(line: str) -> None:
    assert required_settings(CONFIG + line) - required_settings(CONFIG) == {"NEXT_PUBLIC_NEW"}


def test_the_server_gets_every_required_setting() -> None:
    required = required_settings(CONFIG) | required_secrets(SERVER)
    given = environment(stages()[-1]).keys() | given_to_the_server()
    assert required <= given, f"neither in the last stage nor in `docker run`: {required - given}"


def test_the_build_gets_every_setting_that_it_checks() -> None:
    missing = required_settings(CONFIG) - environment(stages()[0]).keys()
    assert not missing, f"the first stage sets no placeholder for {missing}"


def test_the_image_holds_no_secret_and_no_placeholder() -> None:
    served = environment(stages()[-1])
    assert not required_secrets(SERVER) & served.keys()
    assert not [name for name, value in served.items() if ".invalid" in value or "$" in value]


def test_the_guide_explains_the_settings_that_there_are() -> None:
    explained = set(re.findall(r"(?m)^\| `(\w+)` \|", GUIDE))
    assert explained == required_settings(CONFIG) | required_secrets(SERVER)
    assert given_to_the_server() <= explained


@pytest.mark.parametrize(
    "path",
    [
        "frontend/node_modules/next/package.json",
        "frontend/.next/BUILD_ID",
        "frontend/.env",
        "frontend/.env.local",
        "frontend/.env.production",
        ".env.local",
        ".git/config",
        "src/sidestream/config.py",
    ],
)
def test_what_is_installed_built_or_secret_stays_out(path: str) -> None:
    assert ignored(path)


def test_what_the_build_copies_gets_in() -> None:
    copies = [rest.split() for name, rest in stages()[0] if name == "COPY"]
    sources = [source for words in copies for source in words[:-1]]
    assert "frontend" in sources
    for source in [*sources, "frontend/next.config.ts", "frontend/src/lib/config.ts"]:
        assert (ROOT / source).exists(), source
        assert not ignored(source), source
