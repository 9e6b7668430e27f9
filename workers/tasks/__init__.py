"""The work itself: `ingest` turns inbox entries into events; `sweep` and `upkeep` are what the clock does."""
