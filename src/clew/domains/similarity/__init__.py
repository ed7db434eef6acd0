"""What is like what: by entity, case, text or examples, and in groups."""
