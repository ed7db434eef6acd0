"""Measured values over time: points in, roll-ups kept with them, old days in files; see docs/explanation/series.md."""
