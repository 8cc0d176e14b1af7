"""The published contract."""

from pathlib import Path

from storefront.schema import schemas

FOLDER = Path(__file__).parents[2] / "docs" / "schema"


def test_published_schemas_are_fresh() -> None:
    """`docs/schema` says what the models say; after a change of a model, run `make schema`."""
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert published == schemas()
