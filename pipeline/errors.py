"""Errors answer one question for whoever is woken: is a retry worth it?"""


class EquipoiseError(Exception):
    """Anything the product says no to. The message names the thing, the value, the limit and the next move."""

    exit_code = 1


class Permanent(EquipoiseError):
    """The same input will fail again: do not retry."""

    exit_code = 65


class Transient(EquipoiseError):
    """Worth another try: a lock, a network, a champion that moved."""

    exit_code = 75


class BadRecipe(Permanent):
    """A recipe, task card or suite that cannot be followed."""


class BadInput(Permanent):
    """A path, file or id that was handed in and cannot be used."""


FINAL = (Permanent.exit_code, 2)
"""Exit codes of a child that the same input will bring again: its own refusal, and bad usage."""
