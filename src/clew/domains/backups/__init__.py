"""Backups of the record with what lies beside it, and records made from them, as of any second."""
