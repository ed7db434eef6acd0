"""The adapter that all server processes share: Redis 7 or newer, or what speaks as it does. Imported only if it is used."""
