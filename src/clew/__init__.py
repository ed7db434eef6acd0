"""Clew: one true, provable record of what investigation tools and honeypots produce."""

__version__ = "0.1.0"
