"""Runs of collectors and tools, and what they reported about themselves."""
