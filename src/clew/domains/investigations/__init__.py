"""Investigations (cases), what they are about, and which collected items belong to them."""
