"""How a command ends, asks and shows its progress.

Exit codes: 0 done, and nothing is wrong; 1 it could not be done, for the reason that is told;
2 it was called wrongly; 3 it was done, and something is not as it should be.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rendezvous.errors import StartError

COULD_NOT = 1
NOT_AS_IT_SHOULD_BE = 3


@contextmanager
def told_in_one_sentence() -> Generator[None]:
    """Ends the command with one sentence on stderr where it cannot go on."""
    try:
        yield
    except StartError as error:
        typer.echo(f"rendezvous: {error}", err=True)
        raise typer.Exit(COULD_NOT) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except ModuleNotFoundError as error:
        typer.echo(f"rendezvous: {error.name} is not installed: run `make setup`.", err=True)
        raise typer.Exit(COULD_NOT) from None


def ask(question: str, *, yes: bool) -> None:
    """Ends the command unless the user says yes, here or by an option."""
    if not yes and not typer.confirm(question, err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(COULD_NOT)


@contextmanager
def progress() -> Generator[Progress]:
    """Bars on stderr, so that stdout stays what was asked for; none where nobody looks."""
    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with shown:
        yield shown
