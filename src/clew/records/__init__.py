"""The record: entities, relationships, events and items in PostgreSQL, how facts are merged into it and read back."""
