"""Ingest: log files in, rows of the lake out; every line is stored, updated, unchanged or quarantined with its reason."""
