"""All rules in the order in which they take their share of a text, and the one look that tells which texts are worth their time."""

import re
from typing import Any

from pipeline.ingest import folding, identities, keys, phones, shapes
from pipeline.ingest.shapes import Rule

BRACKETS = ("(", "[", "{", "<", " dot ")
RULES = (
    Rule("KEY", keys.KEY, keys.KEY_HINT, signs=keys.KEY_SIGNS),
    Rule("CREDENTIALS", keys.CREDENTIALS, keys.CREDENTIALS_HINT, keys.is_credentials, ("://",)),
    Rule("CREDENTIALS", keys.PASSWORD, keys.PASSWORD_HINT, keys.is_password, keys.PASSWORD_SIGNS),
    Rule("EMAIL", shapes.EMAIL, shapes.EMAIL_HINT, shapes.is_email, ("@",)),
    Rule("EMAIL", shapes.SPOKEN, shapes.SPOKEN_HINT, shapes.is_spoken, BRACKETS),
    Rule("IBAN", shapes.IBAN, shapes.IBAN_HINT, shapes.is_iban, tuple("0123456789")),
    Rule("IP", shapes.IPV6, shapes.IPV6_HINT, shapes.is_ip, (":",)),
    Rule("IP", shapes.IPV4, shapes.IPV4_HINT, shapes.is_ip, (".",)),
    Rule("NATIONAL_ID", identities.WRITTEN_ID, identities.WRITTEN_HINT, identities.is_written),
    Rule("NATIONAL_ID", identities.BARE_ID, identities.BARE_HINT, identities.is_explained),
    Rule("CARD", shapes.CARD, shapes.CARD_HINT, shapes.is_card),
    Rule("PHONE", phones.PLUS, phones.PLUS_HINT, phones.is_international, ("+",)),
    Rule("PHONE", phones.ZEROS, phones.ZEROS_HINT, phones.is_international, ("00",)),
    Rule("PHONE", phones.AMERICAN, phones.AMERICAN_HINT, phones.is_american),
    Rule("PHONE", phones.NATIONAL, phones.NATIONAL_HINT, phones.is_national, ("0",)),
    Rule("PHONE", phones.CHINESE, phones.CHINESE_HINT, phones.is_chinese, ("1",)),
    Rule("PHONE", phones.BARE, f"{phones.BARE_HINT}|{phones.SPACED_HINT}", phones.is_explained),
)
ALL = (1 << len(RULES)) - 1
KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))
OURS = rf"<(?:{'|'.join(KINDS)})_[1-9][0-9]{{0,5}}>"  # a placeholder, ours or somebody's own word
# One text alone is looked at by Python, for which many hints are slow and a loose one is quick.
WORTH = re.compile(
    r"[@<]|[0-9](?:[^0-9\n]{0,3}[0-9]){3}|[A-Za-z]{2}[0-9]{2}[ \-]?[A-Za-z0-9]|[\w+/.\-]{16}|-----|::| dot |"
    rf"(?i:{keys.PASSWORDS})|{shapes.AT.replace(' ?', '', 1)}|{folding.ODD}"
)
# Two looks cost a twentieth of one on text that is full of digits: hints that may begin at any letter and hints that count from an edge
# on multiply the states of one automaton.
ANYWHERE = (OURS, shapes.EMAIL_HINT, shapes.SPOKEN_HINT, shapes.IPV6_HINT, shapes.IPV4_HINT, phones.AMERICAN_HINT)
LOOKS = ("|".join(ANYWHERE), "|".join([folding.ODD, *(rule.hint for rule in RULES if rule.hint not in ANYWHERE)]))


# Without a digit, an at sign or a letter beyond ASCII no rule can match but those for keys and for spoken addresses: the first need
# fifteen signs in one piece, the second a bracket before `at` or the word `dot`.
LETTERS_LOOK = r"[\w.~+/=\-]{15}|-----BEGIN |(?i: dot |[(\[{<] ?(?:a|ch))"


def suspects_mask(column: Any) -> Any:
    """Which texts of an Arrow column (Array or ChunkedArray of strings, JSON too) are worth searching: booleans, false for null.

    RE2 reads a column in a hundredth of the time that the rules take. What it says is worth searching may be clean; what it leaves is clean.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    pieces = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    marked = np.concatenate([np.zeros(0, bool), *map(_marked, pieces)])
    if marked.any():
        texts = column.filter(pa.array(marked))
        texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts  # RE2 makes its automaton anew for every piece
        first, second = (pc.match_substring_regex(texts, look) for look in LOOKS)
        marked[marked] = np.asarray(pc.or_(first, second))
    return pa.array(marked)


def _marked(texts: Any) -> Any:
    """numpy: the texts of an Arrow array that hold a sign which every rule needs. Looking at bytes costs a tenth of RE2's time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(texts):
        return np.zeros(0, bool)
    kind = np.int32 if pa.types.is_string(texts.type) else np.int64
    offsets = np.frombuffer(texts.buffers()[1], kind)[texts.offset : texts.offset + len(texts) + 1]
    signs = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    at = np.flatnonzero((signs - np.uint8(ord("0")) < 10) | (signs == ord("@")) | (signs > 127)) + offsets[0]
    marked = np.diff(np.searchsorted(at, offsets)) > 0
    letters = texts.filter(pa.array(~marked))
    marked[~marked] = np.asarray(pc.fill_null(pc.match_substring_regex(letters, LETTERS_LOOK), False))
    return marked


def rules_by_text(column: Any) -> dict[str, int]:
    """Of an Arrow column of texts worth searching: which rules each of them needs, as a bit a rule.

    A text that has to be folded first needs them all: the hints are about what stands there before.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    needs = pc.if_else(pc.match_substring_regex(column, folding.ODD), pa.scalar(ALL, pa.int32()), pa.scalar(0, pa.int32()))
    for bit, rule in enumerate(RULES):
        found = pc.match_substring_regex(column, rule.hint)
        needs = pc.bit_wise_or(needs, pc.if_else(found, pa.scalar(1 << bit, pa.int32()), pa.scalar(0, pa.int32())))
    return dict(zip(column.to_pylist(), needs.to_pylist(), strict=True))
