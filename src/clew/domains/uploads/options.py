"""How an uploaded file is to be read, checked before the file is sent rather than after."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from clew.kernel.errors import InputError
from clew.kernel.stored_text import storable

LONGEST_NAME: Final = 255
LONGEST_MAPPING: Final = 256 << 10
_LONGEST_CASE: Final = 200


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What the file does not say itself, as the options of `clew ingest`. `mapping` is the text of a mapping file."""

    source: str | None = None
    time_zone: str | None = None
    region: str | None = None
    mapping: str | None = None
    case: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it is kept with the upload and given to its job."""
        return asdict(self)


def checked(options: ReadingOptions) -> ReadingOptions:
    """The options as they are kept. Raises InputError for a source, zone, region, mapping or case that is none."""
    _require_zone(options.time_zone)
    if options.mapping is not None and len(options.mapping) > LONGEST_MAPPING:
        raise InputError("this mapping is too long", where="mapping", remedy=f"{LONGEST_MAPPING} characters are taken")
    if options.source is not None or options.mapping is not None:
        from clew.ingest.recognition import named_source  # noqa: PLC0415  loads the readers of all formats
        from clew.ingest.sources.mapping_file import mapping_of  # noqa: PLC0415

        named_source(options.source, options.mapping)
        if options.mapping is not None:
            mapping_of(options.mapping)
    case = None if options.case is None else " ".join(options.case.split())
    if case is not None and not (0 < len(case) <= _LONGEST_CASE and case.isprintable()):
        raise InputError("this is no name of a case", where="case", remedy=f"write 1 to {_LONGEST_CASE} characters")
    return ReadingOptions(options.source, options.time_zone, _region(options.region), options.mapping, case)


def plain_name(given: str | None) -> str:
    """What the file is called, for people: its last part, without what cannot be shown. Never used as a path."""
    last = re.split(r"[/\\]", (given or "").strip())[-1]
    shown = "".join(character for character in last if character.isprintable()).strip()
    return storable(shown, LONGEST_NAME) if shown.strip(".") else "upload"


def _require_zone(name: str | None) -> None:
    if name is None:
        return
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"{name[:80]!r} is no time zone",
            where="time_zone",
            remedy="write one such as UTC, Europe/Berlin or America/New_York",
        ) from None


def _region(code: str | None) -> str | None:
    if code is None:
        return None
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415  large tables

    if code.upper() not in SUPPORTED_REGIONS:
        raise InputError(f"{code[:10]!r} is no region", where="region", remedy="write two letters such as DE or US")
    return code.upper()
