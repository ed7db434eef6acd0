"""How fast events of MISP and objects of STIX get into the record: `python -m bench.exchange --attributes 50000`.

Each is measured beside the community's own library in the same run: PyMISP parsing the same events, stix2 parsing the
same objects (neither stores anything). Prints a line of JSON each: what is read into entities, relationships and
provenance (`record`), what is kept word for word for exchange (`kept`), the library (`library`), all a second by the
clock, and the ratio of both of ours together to the library. `idle` is the machine's load when it began.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pymisp
import stix2  # type: ignore[import-untyped]

from bench.places import ORGANIZATION, USER, record_at, settings_at, temporary_place
from clew.domains.exchange.after_loading import keep_loaded
from clew.ingest.service import IngestRequest, ingest
from clew.kernel.database import Database, TenantContext

_PER_EVENT: Final = 500
_KINDS: Final = ("ip-dst", "domain", "sha256", "md5", "url", "hostname", "ip-src", "sha1", "filename|sha256", "ip-dst")
_STAMP: Final = "2025-03-09T12:00:00.000Z"


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(prog="python -m bench.exchange", description=__doc__)
    parser.add_argument("--attributes", type=int, default=50_000)
    parser.add_argument("--objects", type=int, default=20_000)
    asked = parser.parse_args()
    idle = os.getloadavg()[0]
    with temporary_place() as place, record_at(place) as database:
        events, objects = _events(asked.attributes), _objects(asked.objects)
        for name, document, count, parse in (
            ("misp", {"response": events}, asked.attributes, lambda: _by_pymisp(events)),
            ("stix", {"type": "bundle", "id": f"bundle--{_uuid()}", "objects": objects}, asked.objects,
             lambda: _by_stix2(objects)),
        ):  # fmt: skip
            file = place / f"{name}.json"
            file.write_text(json.dumps(document), encoding="utf-8")
            record, kept = _loaded(database, place, file)
            library = _seconds(parse)
            print(
                json.dumps(
                    {
                        "form": name,
                        "count": count,
                        "record": round(count / record),
                        "kept": round(count / kept),
                        "library": round(count / library),
                        "ratio": round(library / (record + kept), 2),
                        "idle": round(idle, 1),
                    }
                ),
                flush=True,
            )


def _loaded(database: Database, place: Path, file: Path) -> tuple[float, float]:
    context, settings = TenantContext(ORGANIZATION, USER), settings_at(place)
    items: list[UUID] = []

    def load() -> None:
        items.extend(ingest(database, settings, IngestRequest(ORGANIZATION, USER, (file,))).item_ids)

    record = _seconds(load)
    return record, _seconds(lambda: keep_loaded(database, settings, context, items))


def _seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def _by_pymisp(events: list[dict[str, Any]]) -> None:
    for each in events:
        pymisp.MISPEvent().load(each)


def _by_stix2(objects: list[dict[str, Any]]) -> None:
    for each in objects:
        stix2.parse(each, allow_custom=True)


def _events(attributes: int) -> list[dict[str, Any]]:
    return [_event(number, min(_PER_EVENT, attributes - start)) for number, start in _starts(attributes)]


def _starts(attributes: int) -> list[tuple[int, int]]:
    return list(enumerate(range(0, attributes, _PER_EVENT)))


def _event(number: int, size: int) -> dict[str, Any]:
    return {
        "Event": {
            "uuid": _uuid(), "info": f"Event {number}", "date": "2025-03-09", "threat_level_id": "3", "analysis": "2",
            "distribution": "3", "timestamp": "1741521600", "Tag": [{"name": "tlp:green"}],
            "Attribute": [
                {
                    "uuid": _uuid(), "type": _KINDS[place % 10], "category": "Network activity", "to_ids": True,
                    "value": _value(_KINDS[place % 10]), "distribution": "5", "timestamp": "1741521600", "comment": "",
                }
                for place in range(size)
            ],
        }
    }  # fmt: skip


def _value(kind: str) -> str:
    host = f"{_hex(12)}.example"
    return {
        "ip-dst": _address(), "ip-src": _address(), "domain": host, "hostname": f"www.{host}", "sha256": _hex(64),
        "md5": _hex(32), "sha1": _hex(40), "url": f"http://{host}/{_hex(8)}", "filename|sha256": f"a.exe|{_hex(64)}",
    }[kind]  # fmt: skip


def _objects(count: int) -> list[dict[str, Any]]:
    """Half indicators, half relationships from each to one of fifty malware families."""
    families = [_object("malware", name=f"Family {number}", is_family=True) for number in range(50)]
    found = list(families)
    while len(found) < count:
        pattern = f"[ipv4-addr:value = '{_address()}']"
        indicator = _object("indicator", pattern=pattern, pattern_type="stix", valid_from=_STAMP)
        target = random.choice(families)["id"]
        link = {"relationship_type": "indicates", "source_ref": indicator["id"], "target_ref": target}
        found += [indicator, _object("relationship", **link)]
    return found[:count]


def _object(kind: str, **fields: Any) -> dict[str, Any]:
    common = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{_uuid()}", "created": _STAMP, "modified": _STAMP}
    return common | fields


def _uuid() -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _hex(digits: int) -> str:
    return f"{random.getrandbits(4 * digits):0{digits}x}"


def _address() -> str:
    return ".".join(str(random.randint(1, 223)) for _ in range(4))


if __name__ == "__main__":
    main()
