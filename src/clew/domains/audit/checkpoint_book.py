"""The file of checkpoints as a verification reads it: is the file whole, and which seals does it know."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from clew.domains.audit.chain import End, Keys, Seal, is_signed, is_signed_content
from clew.domains.audit.checkpoints import CheckpointFile, Line, seal_line
from clew.domains.audit.findings import Finding


@dataclass(slots=True)
class CheckpointBook:
    """The seals that the file knows, by organization and number, and what is wrong with the file itself."""

    path: str
    seals: dict[UUID, dict[int, Seal]] = field(default_factory=lambda: defaultdict(dict))
    problem: Finding | None = None

    @classmethod
    def read(cls, file: CheckpointFile, keys: Keys) -> "CheckpointBook":
        """Read the whole file, which is kept short, and check every line of it."""
        book = cls(str(file.path))
        kept = hashlib.sha256()
        note: Line | None = None
        for line in file.lines():
            if line.left_out is not None and line.number == 1:
                note = line
                continue
            if line.seal is None or not is_signed(keys.public, line.seal):
                book._blame(f"line {line.number} was changed: {line.problem or 'its signature is not ours'}")
                continue
            known = book.seals[line.seal.header.organization_id]
            if note is not None and line.number <= 1 + int(note.left_out["kept"] if note.left_out else 0):
                kept.update(seal_line(line.seal))
            else:
                book._expect(line, known)
            known.setdefault(line.seal.header.number, line.seal)  # what was told first is what was sealed
        if note is not None:
            book._check_note(note, kept.hexdigest(), keys)
        return book

    def compare(self, organization: UUID, seal: Seal) -> Finding | None:
        """What is wrong with a seal of the database, if the file knows another one of its number."""
        known = self.seals.get(organization, {}).get(seal.header.number)
        if known is None or known == seal:
            return None
        return Finding(
            "rewritten",
            f"the checkpoint of {known.header.sealed_at:%Y-%m-%d %H:%M:%S} UTC in {self.path} is of another seal: the "
            "tail was cut off and written anew, or an older database was put back",
            organization,
            seal.header.number,
        )

    def compare_end(self, organization: UUID, end: End) -> Finding | None:
        """What is wrong with the end of a chain in the database, compared with the last line of the file."""
        last = max(self.seals.get(organization, {}), default=0)
        if last == end.number:
            return None
        if last > end.number:
            seal = self.seals[organization][last]
            rows = seal.header.rows_before + seal.header.rows - end.rows
            return Finding(
                "cut_tail",
                f"seals {end.number + 1} to {last} with {rows} rows, the last of them row {seal.header.last_id}, are "
                f"in {self.path} and not in the database",
                organization,
                end.number + 1,
            )
        return Finding(
            "checkpoint_file",
            f"{self.path} ends at seal {last} of this organization, the database at {end.number}: the file was cut",
            organization,
            last + 1,
        )

    def _expect(self, line: Line, known: dict[int, Seal]) -> None:
        if line.seal is None:
            return
        number, before = line.seal.header.number, max(known, default=0)
        if number > before + 1:
            self._blame(
                f"line {line.number} is of seal {number}, after {before}: lines were taken out",
                line.seal.header.organization_id,
                before + 1,
            )
        elif number <= before and self.problem is None:
            detail = f"line {line.number} is of seal {number} although {self.path} goes on to {before}"
            self.problem = Finding("rewritten", detail, line.seal.header.organization_id, number)

    def _check_note(self, note: Line, digest: str, keys: Keys) -> None:
        told = note.left_out or {}
        try:
            signature = bytes.fromhex(told["signature"])
        except (KeyError, TypeError, ValueError):
            signature = b""
        signed = is_signed_content(keys.public, signature, "shortened file", str(told.get("sha256")).encode())
        if not signed or told.get("sha256") != digest:
            self._blame("line 1 says that earlier lines were left out, and its signature does not hold")

    def _blame(self, detail: str, organization: UUID | None = None, seal: int | None = None) -> None:
        if self.problem is None:
            self.problem = Finding("checkpoint_file", f"{self.path}: {detail}", organization, seal)
