"""What the rest of the program asks of backups."""

from clew.domains.backups.catalogue import Backup, backups
from clew.domains.backups.restoring import Rehearsed, Restored, rehearse, restore
from clew.domains.backups.taking import KEPT_DAYS, Taken, take

__all__ = ["KEPT_DAYS", "Backup", "Rehearsed", "Restored", "Taken", "backups", "rehearse", "restore", "take"]
