"""`sidestream token`: a JWT of the local sign-in."""

from typing import Annotated

import typer

from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption

_MINUTES_A_DAY = 24 * 60


def token(
    user: Annotated[str, typer.Argument(help="The user id that the token speaks for.")],
    folder: FolderOption = FOLDER,
    minutes: Annotated[
        int, typer.Option(min=1, max=30 * _MINUTES_A_DAY, help="How long it is valid.")
    ] = 12 * 60,
) -> None:
    """Print a JWT that the local system accepts for a user."""
    from sidestream.local.sign_in import mint

    if not user.strip() or not user.isprintable():
        raise CommandError("A user id needs visible characters.")
    typer.echo(mint(folder.resolve(), user, ttl_s=minutes * 60))
