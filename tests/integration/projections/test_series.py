"""Counts of the record follow it; what was measured is nobody's to count, and survives whoever is killed."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR, PROJECTOR
from clew.projections.keeping import drill, verify
from clew.projections.place import EndedError, unless
from clew.projections.projector import Projector
from clew.projections.series.port import SeriesQuery
from clew.projections.series_projection import SeriesProjection
from clew.records.series.model import DAY, HOUR, MINUTE, block_id
from tests.integration.projections.test_kills import environment_of
from tests.support.loading import line, load, log
from tests.support.measuring import TODAY, Desk
from tests.support.projecting import Place, new_place
from tests.support.record import migrated_database

AT = 1_741_521_600_000_000  # 2025-03-09 12:00, where the lines of a log begin
KILLS = 8
WORK = """
import sys
from clew.kernel.database import Database
from clew.kernel.settings import Settings
from tests.support.measuring import Desk, TODAY
from tests.support.record import Tenant
from uuid import UUID
settings = Settings.model_validate_json(sys.argv[1])
first = int(sys.argv[3])
with Database(settings) as database:
    desk = Desk.__new__(Desk)
    desk.database, desk.settings = database, database.settings
    desk.tenant = Tenant(UUID(sys.argv[2]), "x", UUID(sys.argv[4]))
    number = first
    while True:
        times = [TODAY - 30 * 86_400_000_000 + number * 100 + step for step in range(20)]
        desk.write_values("a", times, [float(number)] * 20)
        print(number, flush=True)
        desk.age()
        number += 1
"""


@pytest.fixture(scope="module")
def series_database() -> Iterator[Database]:
    with migrated_database() as made:
        yield made


@pytest.fixture
def desk(series_database: Database) -> Desk:
    return Desk(series_database, series_database.settings)


def counted(desk: Desk, measurement: str, field: str, every: int = MINUTE) -> dict[int, float | int | None]:
    query = SeriesQuery(measurement, AT - DAY, AT + DAY, every, ("sum",), fields=(field,))
    return {
        time: value
        for found in desk.ask(query).lines
        for time, value in zip(found.times, found.columns["sum"], strict=True)
    }


def load_lines(desk: Desk, folder: Path, *lines: bytes) -> None:
    path = log(folder / f"cowrie-{random.randrange(1 << 30)}.json", lines)
    load(desk.database, desk.tenant, path)


def test_counts_follow_what_is_loaded_late_and_again(desk: Desk, tmp_path: Path) -> None:
    later: dict[str, Any] = {"timestamp": "2025-03-09T14:00:05.000000Z"}
    load_lines(
        desk,
        tmp_path,
        line("session.connect", **later),
        line("login.failed", **later, username="a", password="b"),
    )
    desk.follow()
    assert sum(map(float, map(str, counted(desk, "event_timelines", "sessions").values()))) == 1
    late = counted(desk, "event_timelines", "sessions")
    load_lines(desk, tmp_path, line("session.connect", 5), line("command.input", 65, input="ls"))
    moved = counted(desk, "event_timelines", "sessions")
    assert sum(map(float, map(str, moved.values()))) == 1
    assert min(moved) < min(late)
    assert min(late) not in moved
    events = counted(desk, "event_counts", "count")
    assert sum(map(float, map(str, events.values()))) == 4
    load_lines(desk, tmp_path, line("session.connect", 5), line("command.input", 65, input="ls"))
    assert counted(desk, "event_counts", "count") == events
    desk.assert_equal()


def test_a_month_that_is_given_up_goes_from_the_counts(desk: Desk, tmp_path: Path) -> None:
    load_lines(desk, tmp_path, line("session.connect", 1), line("command.input", 2, input="ls"))
    assert counted(desk, "event_counts", "count")
    for parent in ("events", "attack_sessions"):
        with desk.database.transaction(None, MIGRATOR) as connection:
            connection.execute(sa.text(f"SELECT drop_month_partition('{parent}', DATE '2025-03-01')"))
    assert counted(desk, "event_counts", "count") == {}
    assert counted(desk, "event_timelines", "sessions") == {}
    desk.assert_equal()


def test_counts_that_were_changed_by_hand_are_found_and_mended(desk: Desk, tmp_path: Path) -> None:
    load_lines(desk, tmp_path, line("session.connect", 1), line("command.input", 2, input="ls"))
    desk.follow()
    with desk.database.transaction(None, PROJECTOR) as connection:
        own = {"own": desk.tenant.id}
        connection.execute(sa.text("DELETE FROM series_blocks WHERE organization_id = :own AND derived"), own)
        connection.execute(
            sa.text("UPDATE series_days SET whole = hours || hours WHERE organization_id = :own AND derived"), own
        )
        stray = {**own, "id": block_id(7, AT // HOUR - 48)}
        connection.execute(
            sa.text(
                "INSERT INTO series_blocks (organization_id, id, hour, series, measurement, derived, count, points)"
                " VALUES (:own, :id, '2025-03-07 12:00Z', 7, 'event_counts', true, 1, decode(repeat('00', 12), 'hex'))"
            ),
            stray,
        )
    with Projector(desk.database, [SeriesProjection(desk.settings)]) as projector:
        found = verify(projector, "series")
        assert found.comparison.different
        assert verify(projector, "series", repair=True).equal
        assert drill(projector, "series").equal
    desk.assert_equal()


def test_counting_everything_may_be_given_up_after_each_stretch_of_time(desk: Desk, tmp_path: Path) -> None:
    later: dict[str, Any] = {"timestamp": "2025-03-24T12:00:05.000000Z"}
    load_lines(desk, tmp_path, line("session.connect", 1))
    desk.follow()
    with Projector(desk.database, [SeriesProjection(desk.settings)]) as projector:
        told: list[int] = []
        projector.rebuild("series", "asked for", told.append)
        load_lines(desk, tmp_path, line("command.input", 2, input="ls", **later))
        longer: list[int] = []
        projector.rebuild("series", "asked for", longer.append)
        assert len(longer) >= len(told) + 2, "a span of two more weeks is counted in more stretches"
        with pytest.raises(EndedError):
            projector.rebuild("series", "asked for", unless(lambda: True))
    assert sum(map(float, map(str, counted(desk, "event_counts", "count").values()))) == 1
    desk.assert_equal()


def test_whoever_may_not_write_a_kind_cannot(desk: Desk) -> None:
    insert = (
        "INSERT INTO series_days (organization_id, id, day, series, measurement, derived, whole, whole_bins)"
        " VALUES (:own, gen_random_uuid(), now(), 1, 'event_counts', :derived, '', '')"
    )
    own = {"own": desk.tenant.id}
    with (
        pytest.raises(sqlalchemy.exc.ProgrammingError, match="row-level security"),
        desk.database.transaction(desk.tenant.context) as connection,
    ):
        connection.execute(sa.text(insert), {**own, "derived": True})
    with (
        pytest.raises(sqlalchemy.exc.ProgrammingError, match="row-level security"),
        desk.database.transaction(None, PROJECTOR) as connection,
    ):
        connection.execute(sa.text(insert), {**own, "derived": False})
    desk.write_values("a", [TODAY], [1.0])
    with desk.database.transaction(None, PROJECTOR) as connection:
        assert connection.execute(sa.text("DELETE FROM series_days WHERE NOT derived")).rowcount == 0


@pytest.fixture
def place() -> Iterator[Place]:
    with new_place() as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_any_moment_nothing_is_lost_or_doubled(place: Place) -> None:
    settings, environment = environment_of(place)
    desk = Desk(place.database, place.database.settings)
    told = -1
    for _ in range(KILLS):
        arguments = [settings, str(desk.tenant.id), str(told + 1), str(desk.tenant.operator)]
        process = subprocess.Popen(
            [sys.executable, "-c", WORK, *arguments], stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            assert process.stdout is not None
            told = int(process.stdout.readline())
            time.sleep(random.uniform(0.0, 1.5))
        finally:
            process.send_signal(signal.SIGKILL)
            output, _ = process.communicate()
        told = max([told, *map(int, output.split())])
    (points,) = desk.ask(SeriesQuery("network_traffic", TODAY - 40 * DAY, TODAY, limit=1_000_000)).lines
    numbers = dict(zip(points.times, points.columns["value"], strict=True))
    first = TODAY - 30 * DAY
    for number in range(told + 1):
        assert [numbers[first + number * 100 + step] for step in range(20)] == [float(number)] * 20
    assert len(numbers) in {(told + 1) * 20, (told + 2) * 20}  # one may have been written and not told
    assert desk.column("count", DAY, begin=TODAY - 40 * DAY, end=TODAY) == [len(numbers)]
    desk.age()
    desk.age()
    place_of_files = desk.settings.data_dir / "files" / "series" / desk.tenant.id.hex
    assert len(list(place_of_files.iterdir())) == 2
    shutil.rmtree(place_of_files)
