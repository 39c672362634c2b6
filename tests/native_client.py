"""A Python that lacks the native part of AWS's runtime client, as every Python off Linux does."""

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def python_without_native_client() -> Iterator[str]:
    """The path of an interpreter with all of this one's packages, and no `runtime_client`."""
    with tempfile.TemporaryDirectory(prefix="sidestream-python-") as folder:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        packages = sysconfig.get_path("purelib")
        own = Path(sysconfig.get_path("purelib", "venv", {"base": folder}))
        (own / "runtime_client.py").write_text('raise ImportError("only on Linux")\n')
        (own / "packages.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
        yield f"{folder}/bin/python"
