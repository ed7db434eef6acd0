"""Rich's console, set to take every text as it stands."""

from typing import NoReturn

from rich.console import Console

UNLIMITED = 1_000_000


class PlainConsole(Console):
    """A console without markup, emoji codes and highlighting, that leaves a broken pipe to the caller."""

    def __init__(self, *, stderr: bool) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        if not self.is_terminal:
            self.width = UNLIMITED  # a file or pipe has no edge to fold lines at

    def on_broken_pipe(self) -> NoReturn:
        """Called by Rich while it handles a BrokenPipeError, where it would end the program itself."""
        raise BrokenPipeError
