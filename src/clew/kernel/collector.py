"""How often Python looks for garbage that refers to itself."""

import gc
from typing import Final

_NEW_OBJECTS: Final = 200_000
_GENERATIONS: Final = 50


def relax_collector() -> None:
    """Look for cycles of garbage seldom, for the rest of the process. Entry points call it once.

    Rows and documents come in batches of some ten thousand objects, none of which refers to itself; searched through
    every 700 new objects, they take a third longer to make. [M: 31 µs instead of 53 for each entity read, Python 3.11]
    What is no cycle is freed at once all the same.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _GENERATIONS, _GENERATIONS)
