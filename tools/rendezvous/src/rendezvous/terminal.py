"""What the user sees."""

import io
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

FILE_WIDTH = 160


def console() -> Console:
    """Stdout, taken literally; as wide as the terminal, or wide enough for a file."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ✓ shows a ?
    width = None if sys.stdout.isatty() else FILE_WIDTH
    return _Stdout(highlight=False, soft_wrap=True, markup=False, emoji=False, width=width)


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        """Goes on in silence, where rich would end the process."""
        self.quiet = True
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, sys.stdout.fileno())
        os.close(silence)


class Terminal:
    """Lines and tables on stdout, flushed at once; a reader who went away disturbs nobody."""

    def __init__(self) -> None:
        self._console = console()

    def say(self, line: str) -> None:
        """One line of progress or news."""
        self._print(line)

    def table(self, title: str, rows: Sequence[Sequence[str]]) -> None:
        """A table of names and values; a value too long for the terminal goes on below."""
        table = Table(title=title, show_header=False, title_justify="left", title_style="bold")
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._print(table)

    def _print(self, what: str | Table) -> None:
        try:
            self._console.print(what)
        except OSError:  # the terminal was closed
            self._console.quiet = True
