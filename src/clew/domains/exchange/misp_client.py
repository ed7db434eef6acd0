"""A MISP server, by PyMISP, over checked connections. Documents travel as they are, not through PyMISP's classes."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import pymisp
import requests

from clew.domains.exchange.three_way import Fields
from clew.kernel.errors import ClewError
from clew.kernel.outbound import Outbound, OutboundFailedError
from clew.kernel.outbound_requests import guard

_PAGE: Final = 50
_SHOWN: Final = 300


class MispRefusedError(OutboundFailedError):
    """The MISP server understood what it was asked, and refuses it."""

    code = "misp_refused"
    transient = False


class _Guarded(pymisp.PyMISP):
    """PyMISP whose every request, those of its constructor included, goes over checked connections."""

    def __init__(self, url: str, key: str, outbound: Outbound) -> None:
        self._outbound = outbound
        self._is_guarded = False
        super().__init__(url, key, tool="Clew")

    def _prepare_request(self, *arguments: Any, **options: Any) -> requests.Response:
        if not self._is_guarded:
            guard(self._PyMISP__session, self._outbound)  # type: ignore[attr-defined]  # it has no other way in
            self._is_guarded = True
        return super()._prepare_request(*arguments, **options)


class MispServer:
    """What is asked of a MISP server. Every method raises OutboundFailedError if that cannot be done."""

    def __init__(self, url: str, key: str, outbound: Outbound) -> None:
        logging.getLogger("pymisp").setLevel(logging.CRITICAL + 1)  # it would write whole events into the log
        self._where = url
        try:
            self._misp = _Guarded(url, key, outbound)
        except pymisp.PyMISPError as error:
            cause = error.__context__
            if isinstance(cause, ClewError):
                raise cause from None
            raise OutboundFailedError(
                f"this MISP server cannot be used: {str(error)[:_SHOWN]}", where=url, remedy="check address and key"
            ) from error

    def events(self, *, tags: Sequence[str], days: int) -> Iterator[Fields]:
        """Events with one of the tags (all, if none is given) that changed in the last days."""
        yield from self._search({"tags": list(tags)} if tags else {}, {"timestamp": f"{days}d"})

    def timestamps(self, uuids: Sequence[str]) -> dict[str, str]:
        """Which of the events are there, and when each was changed last."""
        found: dict[str, str] = {}
        for start in range(0, len(uuids), _PAGE):
            asked = {"uuid": list(uuids[start : start + _PAGE]), "metadata": True}
            found |= {str(each["uuid"]).lower(): str(each.get("timestamp")) for each in self._search(asked)}
        return found

    def event(self, uuid: str) -> Fields | None:
        """The event as it is there, attachments and sightings included; None if it is not."""
        return next(self._search({"uuid": uuid}), None)

    def add(self, event: Fields) -> None:
        """Add an event."""
        self._post("events/add", {"Event": event})

    def edit(self, uuid: str, event: Fields) -> None:
        """Change what `event` holds of an event; members that have no timestamp are changed now."""
        self._post(f"events/edit/{quote(uuid)}", {"Event": event})

    def delete(self, uuid: str) -> None:
        """Delete an event; one that is not there is no error."""
        self._post(f"events/delete/{quote(uuid)}", {}, missing_ok=True)

    def delete_attribute(self, uuid: str) -> None:
        """Delete an attribute, as MISP does it: it stays for whoever asks for deleted ones."""
        self._post(f"attributes/delete/{quote(uuid)}", {"hard": 0}, missing_ok=True)

    def delete_object(self, uuid: str) -> None:
        """The same for an object."""
        self._post(f"objects/delete/{quote(uuid)}", {"hard": 0}, missing_ok=True)

    def tag(self, uuid: str, name: str) -> None:
        """Put a tag on an event or attribute."""
        self._post("tags/attachTagToObject", {"uuid": uuid, "tag": name, "local": False})

    def untag(self, uuid: str, name: str) -> None:
        """Take it off."""
        self._post("tags/removeTagFromObject", {"uuid": uuid, "tag": name}, missing_ok=True)

    def add_sighting(self, attribute: str, sighting: Mapping[str, Any]) -> None:
        """Say that an attribute was seen."""
        told = {name: sighting[name] for name in ("uuid", "type", "source", "date_sighting") if sighting.get(name)}
        seen = {"timestamp": told.pop("date_sighting")} if "date_sighting" in told else {}
        self._post(f"sightings/add/{quote(attribute)}", told | seen)

    def delete_sighting(self, identifier: str) -> None:
        """Take a sighting back, by the number that the server gave it."""
        self._post(f"sightings/delete/{quote(identifier)}", {}, missing_ok=True)

    def propose(self, event: str, attribute: str | None, proposal: Mapping[str, Any]) -> None:
        """Propose an attribute for an event, or a change of one."""
        place = (
            f"shadowAttributes/add/{quote(event)}" if attribute is None else f"shadowAttributes/edit/{quote(attribute)}"
        )
        self._post(place, {"ShadowAttribute": dict(proposal)})

    def discard(self, identifier: str) -> None:
        """Take a proposal back, by the number that the server gave it."""
        self._post(f"shadowAttributes/discard/{quote(identifier)}", {}, missing_ok=True)

    def _search(self, asked: Mapping[str, Any], further: Mapping[str, Any] | None = None) -> Iterator[Fields]:
        page = 1
        always = {"returnFormat": "json", "withAttachments": True, "includeSightings": True, "limit": _PAGE}
        while True:
            found = self._post("events/restSearch", {**always, "page": page, **asked, **(further or {})})
            if not isinstance(found, list):
                raise OutboundFailedError("answers a search with no list of events", where=self._where)
            for each in found:
                event = each.get("Event") if isinstance(each, dict) else None
                if not isinstance(event, dict) or not isinstance(event.get("uuid"), str):
                    raise OutboundFailedError("answers a search with what is no event", where=self._where)
                yield event
            if len(found) < _PAGE:
                return
            page += 1

    def _post(self, path: str, data: Mapping[str, Any], *, missing_ok: bool = False) -> Any:
        try:
            answer = self._misp.direct_call(path, dict(data))
        except (pymisp.PyMISPError, requests.RequestException) as error:
            raise OutboundFailedError(f"{path}: {str(error)[:_SHOWN]}", where=self._where) from error
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if not errors:
            return answer
        if missing_ok and isinstance(errors, (tuple, list)) and errors[0] == 404:
            return None
        raise MispRefusedError(f"{path}: {str(errors)[:_SHOWN]}", where=self._where)
