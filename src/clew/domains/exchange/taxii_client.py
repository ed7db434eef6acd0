"""A collection of a TAXII 2.1 server, by taxii2-client, over checked connections."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
from taxii2client.common import TokenAuth, _HTTPConnection  # type: ignore[import-untyped]
from taxii2client.exceptions import TAXIIServiceException  # type: ignore[import-untyped]
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages  # type: ignore[import-untyped]

from clew.domains.exchange.three_way import Fields
from clew.kernel.errors import InputError, NotFoundError
from clew.kernel.outbound import Outbound, OutboundFailedError
from clew.kernel.outbound_requests import guard

_PAGE: Final = 500
_SHOWN: Final = 300
_SEND: Final = 200


class _Bearer(TokenAuth):  # type: ignore[misc]
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class TaxiiCollection:
    """One collection. Every method raises OutboundFailedError if it cannot be asked."""

    def __init__(self, url: str, key: str, wanted: str | None, outbound: Outbound) -> None:
        user, colon, password = key.partition(":")
        login = {"user": user, "password": password} if colon else {"auth": _Bearer(key)} if key else {}
        self._connection = _HTTPConnection(version="2.1", user_agent="Clew", **login)
        guard(self._connection.session, outbound)
        self._url = url
        with self._asking():
            self._collection = self._find(wanted)

    @property
    def can_write(self) -> bool:
        """Whether it takes what is sent."""
        return bool(self._collection.can_write)

    def manifest(self) -> dict[str, str]:
        """The newest version of each object that is there."""
        found: dict[str, str] = {}
        with self._asking():
            for page in as_pages(self._collection.get_manifest, per_request=_PAGE):
                for each in _listed(page):
                    identifier, version = str(each.get("id")), str(each.get("version"))
                    found[identifier] = max(version, found.get(identifier, ""))
        return found

    def objects(self, identifiers: list[str] | None = None) -> Iterator[Fields]:
        """The newest versions of objects: of all, or of those with these ids."""
        with self._asking():
            if identifiers is None:
                for page in as_pages(self._collection.get_objects, per_request=_PAGE):
                    yield from _listed(page)
                return
            for start in range(0, len(identifiers), 50):
                some = ",".join(identifiers[start : start + 50])
                yield from _listed(self._collection.get_objects(id=some))

    def add(self, objects: list[Fields]) -> dict[str, str]:
        """Send objects; which of them were not taken, and why."""
        refused: dict[str, str] = {}
        with self._asking():
            for start in range(0, len(objects), _SEND):
                status = self._collection.add_objects({"objects": objects[start : start + _SEND]}, timeout=60)
                for failed in getattr(status, "failures", None) or ():
                    refused[str(failed.get("id"))] = str(failed.get("message", "not taken"))[:_SHOWN]
        return refused

    def delete(self, identifier: str) -> None:
        """Delete an object; one that is not there is no error."""
        with self._asking():
            try:
                self._collection.delete_object(quote(identifier))
            except requests.HTTPError as error:
                if error.response is None or error.response.status_code != 404:
                    raise

    def _find(self, wanted: str | None) -> Any:
        if "/collections/" in urlsplit(self._url).path:
            return Collection(self._url, conn=self._connection)
        roots = self._roots()
        found = [each for root in roots for each in root.collections]
        for each in found:
            self._require_same_server(each.url)
        if wanted is None and len(found) == 1:
            return found[0]
        named = [each for each in found if wanted is not None and wanted in {each.id, each.title}]
        if len(named) == 1:
            return named[0]
        names = ", ".join(f"{each.title} ({each.id})" for each in found)[:1000]
        if wanted is None:
            raise InputError("this server has several collections", where="settings.collection", remedy=f"name {names}")
        raise NotFoundError(f"no collection {wanted[:100]!r} there", where=self._url, remedy=f"there are {names}")

    def _roots(self) -> list[Any]:
        try:
            # The library would give each root a connection of its own, which nothing checks.
            told = Server(self._url, conn=self._connection).api_roots
            roots = [ApiRoot(each.url, conn=self._connection) for each in told]
        except (TAXIIServiceException, requests.HTTPError):
            return [ApiRoot(self._url, conn=self._connection)]
        for root in roots:
            self._require_same_server(root.url)
        return roots

    def _require_same_server(self, url: str) -> None:
        """What we are known by goes to the server that was named, and to no other that it names."""
        if urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            raise OutboundFailedError(
                f"names another server ({urlsplit(url).netloc[:100]})", where=self._url,
                remedy="give the address of that one, if it is right",
            )  # fmt: skip

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except requests.HTTPError as error:
            code = error.response.status_code if error.response is not None else 0
            raise OutboundFailedError(f"answers {code}", where=self._url, remedy="check address and key") from error
        except (TAXIIServiceException, requests.RequestException, ValueError) as error:
            raise OutboundFailedError(f"cannot be asked: {str(error)[:_SHOWN]}", where=self._url) from error


def _listed(page: Mapping[str, Any]) -> list[Fields]:
    found = page.get("objects") if isinstance(page, dict) else None
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("id"), str)] if found else []
