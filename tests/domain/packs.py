"""What the tests of policy packs share: the text of resale-v1, under a name of its own, with changes."""

from pathlib import Path

import domain.policy_packs

FOLDER = Path(domain.policy_packs.__file__).parent / "packs"
TEXT = (FOLDER / "resale-v1.toml").read_text(encoding="utf-8").replace('"resale-v1"', '"trial-v1"')


def changed(block: str, old: str, new: str, text: str = TEXT) -> tuple[str, int]:
    """The pack with the first `old` after the head of `block` replaced, and the line of the replacement."""
    start = text.index(f"[{block}]\n") if block else 0
    at = text.index(old, start)
    return text[:at] + new + text[at + len(old) :], text.count("\n", 0, at) + 1
