"""The sample case that `clew demo` loads; README.md beside this file tells its story and what each file holds."""

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path


def sample_case_path() -> AbstractContextManager[Path]:
    """The folder that holds the case's files, there for as long as the context is open."""
    return as_file(files(__name__) / "harbour-lantern")
