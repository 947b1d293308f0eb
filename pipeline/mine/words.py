"""What a person should know of a batch beside its counts, in sentences: lint, users in concert, how evenly rows are spread, and the judge."""

from typing import Any

Row = dict[str, Any]
MOST = 5  # cells that are said in words; the manifest has all of them


def notes(counts: Row) -> list[str]:
    """Stops first; a quiet batch says only how evenly it is spread."""
    found = [f"lint {f['level']}: {f['words']}" for f in sorted(counts["lint"], key=lambda f: f["level"] != "stop")]
    voices = counts["voices"]
    found += [f"{c['voices']} users in concert ({c['how']}) are heard as one voice: {c['rows']} rows" for c in voices["concerts"]]
    found += [believed(cell) for cell in sorted(counts["reliability"], key=lambda c: -c["cases"])[:MOST]]
    if voices["voices"]:
        found.append(spread(voices))
    return found + ([judged(counts["judge"])] if "judge" in counts else [])


def believed(cell: Row) -> str:
    """What people, or agreement between users, say of one kind of signal."""
    where = " ".join(
        filter(None, [f"in {cell['app']}" if cell["app"] else "", f"of users with {cell['users']} a day" if cell["users"] else ""])
    )
    if "/" not in cell["rule"]:
        return f"{cell['rule']} {where}: users who judge the same thing agree as if {cell['right'] / cell['cases']:.0%} were right".replace(
            " :", ":"
        )
    return f"{cell['rule']} {where}: people found {cell['right']:g} of {cell['cases']:g} right ({cell['low']:.0%} to {cell['high']:.0%})".replace(
        " :", ":"
    )


def spread(voices: Row) -> str:
    """Gini's coefficient and the loudest user, in words."""
    cut = f"; {voices['lightened']} rows weigh less because their users have many" if voices["lightened"] else ""
    return (
        f"{voices['voices']} voices, the loudest has {voices['largest_share_of_rows']:.1%} of the rows and "
        f"{voices['largest_share_of_weight']:.1%} of the weight, Gini {voices['gini']:.2f}{cut}"
    )


def judged(account: Row) -> str:
    """Who judged the day's complaints, what became of them, and how many rewrites won, as counted and corrected for the judge's errors."""
    name, standing, better = account["judge"]["model"], account["standing"], account["rewrites_better"]
    if not standing["feedback"]:
        return f"judge {name} was not used: {standing['why']}"
    became = ", ".join(f"{n} {word}" for word, n in account["outcomes"].items())
    share = ""
    if better["n"]:
        real = f", {better['low']:.0%} to {better['high']:.0%} after its own errors" if better["share"] is not None else ""
        share = f"; {better['seen']:.0%} of {better['n']} rewrites judged better{real}"
    doubt = f" ({standing['why']})" if standing["why"] else ""
    return (
        f"judge {name}{doubt} on {account['complaints']} complaints: {became}; {account['calls']} calls, {account['tokens']} tokens{share}"
    )
