"""The adapter that all server processes share: Redis 7 or newer, or what speaks as it does. Loaded only if used."""
