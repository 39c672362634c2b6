"""Options whose values people paste: addresses, tokens, passwords."""

from typing import Any

import typer

from sidestream.pasted import cleaned


def pasted(**details: Any) -> Any:
    """Give a `typer.Option` that takes off what came along, and refuses what cannot be right."""
    return typer.Option(parser=_value, metavar="TEXT", **details)


def _value(text: str) -> str:
    try:
        value: str = cleaned(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return value
