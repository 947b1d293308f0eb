"""Promote: put a reported model in service, by policy or by a person's word, and keep every decision on record."""
