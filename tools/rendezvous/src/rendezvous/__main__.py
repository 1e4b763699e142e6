"""The `rendezvous` command."""

import asyncio
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rendezvous.errors import StartError

# The rest is imported where it is used: `version` and the mail sink need none of the services.

app = typer.Typer(
    help="The whole of Rendezvous on one machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def up() -> None:
    """Starts everything, and stops it on Ctrl-C.

    RENDEZVOUS_HOME (./var), RENDEZVOUS_PORT (8000), RENDEZVOUS_BIND (127.0.0.1), DATABASE_URL and
    NATS_URL (servers that run already) change where.
    """
    with _told_in_one_sentence():
        from rendezvous.settings import read_settings  # noqa: PLC0415
        from rendezvous.terminal import Terminal  # noqa: PLC0415
        from rendezvous.up import run  # noqa: PLC0415

        run(read_settings(), Terminal())


@app.command()
def migrate(
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="DATABASE_URL", help="Admin URL: makes roles and databases that are absent"
        ),
    ] = None,
    nats_url: Annotated[
        str | None, typer.Option(envvar="NATS_URL", help="Declares the streams there, if given")
    ] = None,
    replicas: Annotated[
        int, typer.Option(envvar="STREAM_REPLICAS", min=1, max=5, help="Copies of each new stream")
    ] = 1,
) -> None:
    """Brings databases and streams up to date; again and again, side by side, as you like.

    Each service's own database is named by BOOKING_DATABASE_URL, AVAILABILITY_DATABASE_URL and
    so on. Without these, the databases of RENDEZVOUS_HOME are meant, on the server of the
    admin URL.
    """
    with _told_in_one_sentence():
        from rendezvous import migrate as work  # noqa: PLC0415

        urls = work.database_urls(os.environ, database_url)
        work.apply_all(urls, print)
        if nats_url:
            asyncio.run(work.declare_streams(nats_url, replicas))
        print("Everything is up to date." if nats_url else "The databases are up to date.")


@app.command()
def doctor() -> None:
    """Checks every part, and says what is wrong and what to do about it."""
    with _told_in_one_sentence():
        from rendezvous.doctor import Examination  # noqa: PLC0415
        from rendezvous.home import Home  # noqa: PLC0415
        from rendezvous.settings import read_settings  # noqa: PLC0415
        from rendezvous.terminal import console  # noqa: PLC0415

        settings = read_settings()
        findings = asyncio.run(Examination(settings, Home(settings.home.absolute())).findings())
    table = Table(show_edge=False)
    for column in ("", "Part", "Found", "What to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = "✓ well" if finding.well else "✗ wrong"
        table.add_row(mark, finding.what, finding.said, "" if finding.well else finding.remedy)
    console().print(table)
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


@app.command()
def version() -> None:
    """Prints the version."""
    print(version_of("rendezvous"))


@app.command(hidden=True)
def mail_sink(directory: Path, port: int) -> None:
    """Keeps mail that arrives on a local port in a Maildir."""
    from rendezvous.mail_sink import serve  # noqa: PLC0415

    asyncio.run(serve(directory, port))


@contextmanager
def _told_in_one_sentence() -> Generator[None]:
    try:
        yield
    except StartError as error:
        print(f"rendezvous: {error}", file=sys.stderr, flush=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except ModuleNotFoundError as error:
        print(f"rendezvous: {error.name} is not installed: run `make setup`.", file=sys.stderr)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
