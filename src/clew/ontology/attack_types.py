"""What an event tells of the attack session it belongs to."""

from typing import Final

ATTACK_TYPES: Final = ("connection", "scan", "reconnaissance", "brute_force", "intrusion", "command", "download")
"""Weakest first; a session takes the strongest of its events. PostgreSQL's stronger_attack() has the same order."""
