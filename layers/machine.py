"""Fails when a compiled library is for another processor than the layer.

    python machine.py aarch64|x86_64 FOLDER

ELF's header names the processor in the two bytes at offset 18 (ELF-64 Object File Format, "ELF
Header", e_machine), for both of Lambda's processors with the low byte first.
"""

import sys
from pathlib import Path

MACHINES = {b"\xb7\x00": "aarch64", b"\x3e\x00": "x86_64"}


def machines(folder: Path) -> dict[Path, str]:
    """The processor of every ELF file below a folder; "unknown" for one of neither kind."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                header = file.read(20)
            if header.startswith(b"\x7fELF"):
                found[path] = MACHINES.get(header[18:20], "unknown")
    return found


def main() -> None:
    wanted, folder = sys.argv[1], Path(sys.argv[2])
    found = machines(folder)
    if not found:
        sys.exit(f"no compiled library in {folder}")
    others = [f"{path}: {machine}" for path, machine in found.items() if machine != wanted]
    if others:
        sys.exit(f"not for {wanted}:\n" + "\n".join(others))


if __name__ == "__main__":
    main()
