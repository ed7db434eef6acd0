"""The views of this machine's record."""

from collections.abc import Sequence
from dataclasses import dataclass

from clew.cli.desk.ports import Compared, Following, Rebuilt
from clew.cli.options import Invocation
from clew.cli.progress import counted
from clew.cli.session import opened_current_database
from clew.projections import keeping
from clew.projections.registry import projections


@dataclass(frozen=True, slots=True)
class LocalProjections:
    """See `ports.Projections`."""

    call: Invocation

    def status(self) -> Sequence[Following]:
        """How far each follows."""
        with opened_current_database(self.call) as database:
            return [_following(each) for each in keeping.status(database, projections(database.settings))]

    def verify(self, name: str | None, *, repair: bool) -> Sequence[Compared]:
        """Each beside the record."""
        with opened_current_database(self.call) as database:
            known = projections(database.settings)
            with keeping.projecting(database, known) as projector:
                names = [name] if name else [each.name for each in known]
                return [_compared(keeping.verify(projector, each, repair=repair)) for each in names]

    def rebuild(self, name: str | None) -> Sequence[Rebuilt]:
        """Each made anew."""
        with opened_current_database(self.call) as database:
            known = projections(database.settings)
            with keeping.projecting(database, known) as projector, counted("rebuilding") as observe:
                names = [name] if name else [each.name for each in known]
                built = [projector.rebuild(each, "asked for", observe) for each in names]
                for made in built:
                    projector.advance(projector.projection(made.name))
        return [Rebuilt(made.name, made.rows) for made in built]


def _compared(found: keeping.Verified) -> Compared:
    document = found.as_dict()
    counts = {name: document[name] for name in Compared.__slots__ if name != "document"}
    return Compared(**counts, document=document)


def _following(found: keeping.Status) -> Following:
    return Following(
        projection=found.projection,
        adapter=found.adapter,
        state=found.state,
        reason=found.reason,
        lag_seconds=found.lag_seconds,
        set_aside=found.set_aside,
        document=found.as_dict(),
        lag_changes=found.lag_changes,
        rows=found.rows,
        errors=found.errors,
        last_error=found.last_error,
        held_back_by=found.held_back_by,
    )
