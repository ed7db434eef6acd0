"""Analyses that are killed (SIGKILL) at a named point, each in a process of its own.

`python -m tests.support.killing` loads what an analysis needs once, then reads plans, a line of JSON each, and forks
for each: the child carries the analysis out and kills itself where the plan says. Its signal, or 0, is answered.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from clew.domains.analyses.assessing import Writer
from clew.domains.analyses.nodes import NODES, Commit, Node
from clew.domains.analyses.workbench import Workbench
from clew.domains.analyses.workflow import Workflow
from clew.kernel.database import Database
from clew.kernel.outbound import Outbound
from clew.kernel.outbound_settings import allowed_hosts
from clew.kernel.settings import Settings
from clew.kernel.transactions import TenantContext

MOMENTS = ("before", "within", "behind", "between")
"""Before a node does anything; in its transaction, all written; behind its commit, without checkpoint; behind that."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(node: Node, moment: str) -> Node:
    """The node, which ends its process before it begins, or within its transaction."""

    def make(bench: Workbench, writer: Writer) -> Commit:
        if moment == "before":
            die()
        commit = node.make(bench, writer)

        def commit_and_die() -> Any:
            commit()
            die()

        return commit_and_die if moment == "within" else commit

    return replace(node, make=make)


def arm_checkpoints(number: int, moment: str) -> None:
    """Let the process end before or behind the checkpoint of the node of that number, counted from 1."""
    from clew.domains.analyses.checkpoints import OwnedSaver

    put: Any = OwnedSaver.put

    def put_and_die(self: Any, config: Any, checkpoint: Any, metadata: Any, versions: Any) -> Any:
        if metadata["step"] == number and moment == "behind":
            die()
        written = put(self, config, checkpoint, metadata, versions)
        if metadata["step"] == number and moment == "between":
            die()
        return written

    patched: Any = OwnedSaver
    patched.put = put_and_die


def die_delivering(plan: dict[str, Any]) -> None:
    """Send the callback of an analysis, and end before the message goes out, or behind the receiver's answer."""
    from clew.domains.analyses import callbacks

    patched: Any = callbacks
    setattr(patched, {"before": "_send", "behind": "_written"}[plan["moment"]], lambda *_: die())
    with Database(Settings(**plan["settings"])) as database:
        context = TenantContext(UUID(plan["organization"]), UUID(plan["user"]))
        way = Outbound(allowed=allowed_hosts(plan["receiver"]))
        callbacks.deliver(database, context, UUID(plan["analysis"]), last=False, outbound=way)


def carry_out(plan: dict[str, Any]) -> None:
    if "receiver" in plan:
        die_delivering(plan)
        return
    number = [node.name for node in NODES].index(plan["node"])
    nodes = tuple(dying(node, plan["moment"]) if place == number else node for place, node in enumerate(NODES))
    arm_checkpoints(number + 1, plan["moment"])
    settings = Settings(**plan["settings"])
    with Database(settings) as database:
        context = TenantContext(UUID(plan["organization"]), UUID(plan["user"]))
        Workflow(database, Writer(), nodes=nodes).run(context, UUID(plan["analysis"]))


def main() -> None:
    import langgraph.graph  # noqa: F401  loaded once, for every child

    from clew.domains.analyses import checkpoints  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                carry_out(json.loads(line))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


class KillingProcess:
    """Lets analyses be killed. A context manager."""

    def __enter__(self) -> Self:
        root = Path(__file__).resolve().parents[2]
        environment = os.environ | {"PYTHONPATH": f"{root}:{root / 'src'}"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def kill_delivery(
        self, settings: Settings, context: TenantContext, analysis: UUID, receiver: str, moment: str
    ) -> int:
        """Send the callback of an analysis, to a receiver there, and die: see `die_delivering`."""
        return self._ask(settings, context, analysis, {"receiver": receiver, "moment": moment})

    def kill(self, settings: Settings, context: TenantContext, analysis: UUID, node: str, moment: str) -> int:
        """Carry an analysis out until it dies there: -9, as a shell reports it by 137. 0: it did not die."""
        return self._ask(settings, context, analysis, {"node": node, "moment": moment})

    def _ask(self, settings: Settings, context: TenantContext, analysis: UUID, where: dict[str, str]) -> int:
        given: dict[str, Any] = {
            "data_dir": str(settings.data_dir),
            "embedded_fallback_dir": str(settings.embedded_fallback_dir),
            "embedded_shared_buffers_mb": settings.embedded_shared_buffers_mb,
        }
        if settings.database_url is not None:
            given["database_url"] = settings.database_url.get_secret_value()
        plan = {
            "settings": given,
            "organization": str(context.organization_id),
            "user": str(context.user_id),
            "analysis": str(analysis),
            **where,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(plan) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


if __name__ == "__main__":
    main()
