"""Examples for the OpenAPI document: those of the contract, which a test holds to the models."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

_PAGE: Final = Path(__file__).parent.parent / "docs" / "contract.md"
_BLOCK: Final = re.compile(r"^```json (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@lru_cache
def examples() -> dict[str, Any]:
    """The example of each model on the page, by the model's name; none where the page was left out."""
    if not _PAGE.is_file():
        return {}
    return {name: json.loads(text) for name, text in _BLOCK.findall(_PAGE.read_text(encoding="utf-8"))}
