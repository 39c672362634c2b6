"""`sidestream migrate`: bring a database's schema up to date, or take it back."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, DomainOption, FolderOption
from sidestream.cli.option import pasted

if TYPE_CHECKING:
    import psycopg


def migrate(
    url: Annotated[
        str,
        pasted(
            envvar="DIRECT_DATABASE_URL",
            help="The direct connection, as the tables' owner; not the pooled one. "
            "Without it: the local system that runs.",
        ),
    ] = "",
    app_password: Annotated[
        str,
        pasted(
            envvar="APP_DATABASE_PASSWORD",
            help="Let the functions' role sidestream_app log in with this password.",
        ),
    ] = "",
    rollback: Annotated[
        int, typer.Option(min=0, help="Undo so many migrations instead. Drops their data.")
    ] = 0,
    domain: DomainOption = "",
    folder: FolderOption = FOLDER,
) -> None:
    """Apply the migrations that a database lacks: the chat's, and the domain's."""
    import psycopg

    from sidestream.domain import DomainError
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.environment import forget_libpq, isolate
    from sidestream.local.settings import LocalOptions, load_domain, personal_settings
    from sidestream.store import migrate as migrations

    if url:
        forget_libpq()
    else:
        endpoints = Endpoints.read(folder)
        if endpoints is None:
            raise CommandError("Give --url: no local system runs here.")
        url = endpoints.database_url
        isolate()
        domain = domain or endpoints.domain
    domain = domain or LocalOptions(settings=personal_settings()).domain
    try:
        folders = load_domain(domain).migration_folders
    except DomainError as error:
        raise CommandError(str(error)) from None
    console = Console()
    try:
        if rollback:
            changed, verb = migrations.rollback(url, rollback, folders=folders), "Undid"
        else:
            changed = migrations.migrate(url, app_password or None, folders=folders)
            verb = "Applied"
    except migrations.PostgresTooOld as error:
        raise CommandError(str(error)) from None
    except psycopg.Error as error:
        raise CommandError(_why(error)) from None
    for name in changed:
        console.print(f"{verb} {name}", markup=False, highlight=False)
    if not changed:
        console.print("Nothing to undo." if rollback else "The database is up to date.")


def _why(error: "psycopg.Error") -> str:
    """The reason for a failure: Postgres's own words, or ours. libpq's may quote the address."""
    from sidestream.cli.checks.database import why_not_connected

    if error.sqlstate is not None:
        return f"The database refused: {error.diag.message_primary}"
    return why_not_connected(error)
