"""Handing frozen models on as they are, between the workflows and the world of one process.

Through JSON a model is written and read again for each message and activity, which costs a quarter of all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter

from domain.base import Model

_METADATA: Final = {"encoding": b"reference"}


class Passing(PayloadConverter):
    """Keeps each frozen model and text that it is given, and puts its number into the payload.

    The rest goes to `others`. Whoever lets values be encoded collects the numbers with `taken`, and drops them when
    they are needed no more.
    """

    def __init__(self, others: PayloadConverter) -> None:
        self._others = others
        self._kept: dict[int, Model | str] = {}
        self._new: list[int] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._kept)

    def taken(self) -> list[int]:
        """The numbers given since the last time."""
        new, self._new = self._new, []
        return new

    def drop(self, numbers: Iterable[int]) -> None:
        """These are needed no more."""
        for number in numbers:
            self._kept.pop(number, None)

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """One payload for each value."""
        return [self.to_payload(value) for value in values]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """One value for each payload."""
        hints: Sequence[type | None] = type_hints or [None] * len(payloads)
        return [self.from_payload(payload, hint) for payload, hint in zip(payloads, hints, strict=True)]

    def to_payload(self, value: Any) -> Payload:
        """The number of a model or text, or how the others encode the value."""
        if not isinstance(value, (Model, str)):
            return self._others.to_payload(value)
        self._number += 1
        self._kept[self._number] = value
        self._new.append(self._number)
        return Payload(metadata=_METADATA, data=b"%d" % self._number)

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """The model itself; one of another type is read as that type, as it would be from JSON."""
        if payload.metadata.get("encoding") != _METADATA["encoding"]:
            return self._others.from_payloads([payload], [type_hint] if type_hint else None)[0]
        value = self._kept[int(payload.data)]
        if type_hint is None or type(value) is type_hint:
            return value
        return self._others.from_payload(self._others.to_payload(value), type_hint)
