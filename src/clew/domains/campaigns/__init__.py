"""Analyses of attack sessions, and the campaigns that they find, follow over time and are corrected in."""
