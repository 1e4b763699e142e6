"""`rendezvous dlq`: the dead letters of every service."""

import asyncio
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rendezvous.telling import NOT_AS_IT_SHOULD_BE, ask, told_in_one_sentence
from rendezvous.terminal import console

if TYPE_CHECKING:
    from rendezvous.letters import Letter, Outcome

app = typer.Typer(
    help="Dead letters: events that could not be handled after the last try.", no_args_is_help=True
)

Consumer = Annotated[
    str | None,
    typer.Option("--consumer", "-c", help="Only those of a service, or of one of its consumers"),
]
Id = Annotated[str | None, typer.Argument(help="The letter's id, or how it begins")]
All = Annotated[bool, typer.Option("--all", help="Every letter (of the consumer, if one is named)")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs")]


@app.command("list")
def list_(*, consumer: Consumer = None, as_json: AsJson = False) -> None:
    """Lists dead letters, the newest first."""
    with told_in_one_sentence():
        found = asyncio.run(_listed(consumer))
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found], indent=2))
    elif not found:
        typer.echo("No dead letters.")
    else:
        _print(found)


@app.command()
def show(letter_id: Annotated[str, typer.Argument(help="Its id, or how it begins")]) -> None:
    """Shows a dead letter with its headers, its body and the error of its last try."""
    with told_in_one_sentence():
        found = asyncio.run(_one(letter_id))
    letter = found.letter
    typer.echo(f"{letter.id}  {letter.consumer}  {found.kind}")
    typer.echo(f"died {letter.died_at.isoformat()} after {letter.deliveries} deliveries")
    typer.echo(f"error: {letter.error}\n\n{letter.subject}")
    for name, value in sorted(letter.headers.items()):
        typer.echo(f"{name}: {value}")
    typer.echo(f"\n{found.body()}")


@app.command()
def replay(
    letter_id: Id = None,
    *,
    all_: All = False,
    consumer: Consumer = None,
    within: Annotated[float, typer.Option(min=0, help="Seconds to wait for the outcome")] = 30.0,
) -> None:
    """Has dead letters handled again by their service, and tells what came of it.

    Nothing is published: the service runs its handler once more. Exit code 3 where a letter
    failed again or was not taken up in time.
    """
    _check_choice(letter_id, all_=all_)
    with told_in_one_sentence():
        outcome = asyncio.run(_replay(letter_id, consumer, within))
    typer.echo(f"{len(outcome.handled)} handled.")
    for each in outcome.failed:
        typer.echo(f"failed again: {each.letter.id}  {each.letter.consumer}  {each.letter.error}")
    for each in outcome.unanswered:
        typer.echo(
            f"not taken up in {within:g} s: {each.letter.id}  {each.letter.consumer} "
            "(it is handled when the service runs)"
        )
    if outcome.failed or outcome.unanswered:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


@app.command()
def drop(
    letter_id: Id = None,
    *,
    all_: All = False,
    consumer: Consumer = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Without asking")] = False,
) -> None:
    """Forgets dead letters for good: what they tell will then never be handled."""
    _check_choice(letter_id, all_=all_)
    with told_in_one_sentence():
        chosen = asyncio.run(_chosen(letter_id, consumer))
        if chosen:
            _print(chosen)
            ask(f"Forget {len(chosen)} dead letters for good?", yes=yes)
            asyncio.run(_drop(chosen))
    typer.echo(f"{len(chosen)} dropped.")


def _check_choice(letter_id: str | None, *, all_: bool) -> None:
    if (letter_id is None) is not all_:
        raise typer.BadParameter("name one letter by its id, or all by --all")


def _print(letters: Sequence["Letter"]) -> None:
    table = Table(show_edge=False)
    for column in ("Id", "Died", "Consumer", "Event", "Tries", "Error"):
        table.add_column(column, overflow="fold")
    for each in letters:
        letter = each.letter
        died = letter.died_at.astimezone().isoformat(" ", "seconds")
        tries = f"{letter.deliveries}{' (replay asked for)' if letter.replay_wanted else ''}"
        table.add_row(str(letter.id), died, letter.consumer, each.kind, tries, letter.error)
    console().print(table)


async def _listed(consumer: str | None) -> list["Letter"]:
    from rendezvous import letters, targets  # noqa: PLC0415

    async with targets.find(os.environ).connections() as connections:
        return await letters.listed(connections, consumer)


async def _one(letter_id: str) -> "Letter":
    from rendezvous import letters, targets  # noqa: PLC0415

    async with targets.find(os.environ).connections() as connections:
        return await letters.one(connections, letter_id)


async def _chosen(letter_id: str | None, consumer: str | None) -> list["Letter"]:
    return await _listed(consumer) if letter_id is None else [await _one(letter_id)]


async def _replay(letter_id: str | None, consumer: str | None, within: float) -> "Outcome":
    from rendezvous import letters, targets  # noqa: PLC0415

    chosen = await _chosen(letter_id, consumer)
    async with targets.find(os.environ).connections() as connections:
        return await letters.replay(connections, chosen, within)


async def _drop(chosen: Sequence["Letter"]) -> None:
    from rendezvous import letters, targets  # noqa: PLC0415

    async with targets.find(os.environ).connections() as connections:
        await letters.drop(connections, chosen)
