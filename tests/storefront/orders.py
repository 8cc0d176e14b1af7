"""Orders as storefronts write them, for tests."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from storefront.draft import OrderDraft

EXAMPLES = Path(__file__).parents[2] / "examples" / "orders"


def document(**changes: Any) -> dict[str, Any]:
    """The example order of USD 129.00 as JSON, with the changes that a test cares for."""
    example: dict[str, Any] = json.loads((EXAMPLES / "one.json").read_text(encoding="utf-8"))
    return example | changes


def a_draft(placed_at: datetime, **changes: Any) -> OrderDraft:
    """The example order, placed at that instant."""
    return OrderDraft.model_validate(document(placed_at=placed_at) | changes)
