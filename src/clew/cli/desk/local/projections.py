"""The views of this machine's record."""

from collections.abc import Sequence
from dataclasses import dataclass

from clew.cli.desk.ports import Compared, Following, Rebuilt
from clew.cli.options import Invocation
from clew.cli.progress import counted
from clew.cli.session import opened_current_database
from clew.projections import in_place as places
from clew.projections import keeping
from clew.projections.registry import in_place, projections


@dataclass(frozen=True, slots=True)
class LocalProjections:
    """See `ports.Projections`."""

    call: Invocation

    def status(self) -> Sequence[Following]:
        """How far each follows."""
        with opened_current_database(self.call) as database:
            kept = keeping.status(database, projections(database.settings))
            return list(map(_following, (*kept, *places.status(database, in_place(database.settings)))))

    def verify(self, name: str | None, *, repair: bool) -> Sequence[Compared]:
        """Each beside the record."""
        with opened_current_database(self.call) as database:
            known, read = projections(database.settings), in_place(database.settings)
            found = [places.verify(database, each) for each in read if name in {None, each.name}]
            names = [name] if name else [each.name for each in known]
            if name not in {each.name for each in read}:
                with keeping.projecting(database, known) as projector:
                    found = [*(keeping.verify(projector, each, repair=repair) for each in names), *found]
            return list(map(_compared, found))

    def rebuild(self, name: str | None) -> Sequence[Rebuilt]:
        """Each made anew."""
        with opened_current_database(self.call) as database:
            for each in in_place(database.settings):
                if each.name == name:
                    raise places.refuse(each, "rebuild")
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
