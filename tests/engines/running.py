"""The one server of each kind that the tests of a process share."""

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.engines.node import Node
from tests.engines.recipes import SEARCH_ENGINES
from tests.support.leftovers import ENDINGS


@cache
def running_node(name: str) -> Node:
    """A node of that kind, started by the first who asks and stopped when the tests are over."""
    # What a run's server keeps need not survive it: memory spares waiting for the disk.
    memory = Path("/dev/shm")
    directory = Path(tempfile.mkdtemp(prefix=f"clew-{name}-", dir=memory if os.access(memory, os.W_OK) else None))
    ENDINGS.callback(shutil.rmtree, directory, ignore_errors=True)
    node = Node(SEARCH_ENGINES[name], directory)
    ENDINGS.callback(node.kill)
    node.start()
    return node
