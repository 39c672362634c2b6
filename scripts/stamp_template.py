"""Writes into what `sam build` made which template it was made of, at the end of each function's
description.

SAM publishes a version when anything of a function is changed in the template. Lambda publishes
none when nothing of it comes out otherwise, as with a tag, a reservation, or the same value written
in other words, and CloudFormation then fails: "A version for this Lambda function exists". With the
template's hash in its description, a function is never the same.

    scripts/stamp_template.py [options of sam build]
"""

import argparse
import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
_RELEASE = re.compile(r"\$\{Release\}(?:, template \w+)?\)")


def stamped(built: str, template: bytes) -> str:
    """Give a built template with the hash of what it was made of. Raises `ValueError`."""
    name = hashlib.sha256(template).hexdigest()[:8]
    text, count = _RELEASE.subn(f"${{Release}}, template {name})", built)
    if not count:
        raise ValueError("No function's description ends with (release ${Release}).")
    return text


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", "-b", type=Path, default=ROOT / ".aws-sam/build")
    built = parser.parse_known_args()[0].build_dir / "template.yaml"
    built.write_text(stamped(built.read_text(), (ROOT / "template.yaml").read_bytes()))


if __name__ == "__main__":
    main()
