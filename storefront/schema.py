"""The contract as JSON Schema: `python -m storefront.schema docs/schema` writes one file for each model on the wire."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic.json_schema import JsonSchemaMode

from domain.base import Model
from domain.cases.case import CaseFile
from domain.cases.conversation import Conversation
from domain.cases.exhibits import Exhibits
from domain.cases.record import Resolution, Said
from domain.cases.statements import Statement
from domain.duties import Receipt
from domain.messages import (
    Acceptance,
    Appeal,
    Assignment,
    Cancel,
    CaseMessage,
    Chargeback,
    Complaint,
    Confirmation,
    Disruption,
    EvidenceRequest,
    EvidenceSent,
    Extend,
    Inspection,
    Interlock,
    OfferAnswer,
    OfferMade,
    Overtaken,
    Reply,
    Response,
    Ruling,
    Shipped,
    Tracking,
    Undo,
    Withdrawal,
)
from domain.order import Order
from domain.preview import Intent, Preview
from domain.requests import LabelFact, RecallQuery
from domain.story import Notice, Outcome, Status, StoryEntry

SENT: tuple[type[Model], ...] = (
    Order,
    CaseFile,
    Shipped,
    Tracking,
    Complaint,
    Acceptance,
    Cancel,
    Extend,
    Chargeback,
    Disruption,
    Response,
    OfferMade,
    OfferAnswer,
    EvidenceSent,
    CaseMessage,
    Withdrawal,
    Inspection,
    Appeal,
    Assignment,
    EvidenceRequest,
    Ruling,
    Confirmation,
    Undo,
    Intent,
    Interlock,
    Overtaken,
    LabelFact,
    RecallQuery,
)
ANSWERED: tuple[type[Model], ...] = (
    Reply,
    Preview,
    Status,
    Receipt,
    StoryEntry,
    Conversation,
    Exhibits,
    Said,
    Statement,
    Resolution,
    Outcome,
    Notice,
)


def schemas() -> dict[str, str]:
    """File name to contents, for every model that a storefront in any language sends or reads."""
    return _schemas(SENT, "validation") | _schemas(ANSWERED, "serialization")


def _schemas(models: tuple[type[Model], ...], mode: JsonSchemaMode) -> dict[str, str]:
    return {
        f"{model.__name__}.json": json.dumps(model.model_json_schema(mode=mode), indent=2, sort_keys=True) + "\n"
        for model in models
    }


def write(folder: Path) -> None:
    """Write all schemas into `folder` and remove those of models that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = schemas()
    for stale in set(folder.glob("*.json")) - {folder / name for name in wanted}:
        stale.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/schema"))
