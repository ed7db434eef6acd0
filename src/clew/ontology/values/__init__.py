"""One module per family of types; each has `normalize(entity_type, value, qualifier)` and is loaded on first use."""
