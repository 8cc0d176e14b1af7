"""What a deliverer needs of a channel, whatever is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from domain.story import Notice

ATTEMPT_SECONDS: Final = 60
"""How long one attempt may take, all told; a lease lasts well beyond it."""


class Sender(Protocol):
    """Hands a message to the outside, at least once.

    Texts and codes of its errors are short codes such as `smtp_451`, and name no person, no address and no secret.
    """

    async def send(self, message_id: str, notices: Sequence[Notice]) -> None:
        """Send one message with these notices, all to one reader, under this id, which every repetition has too.

        Raises `Unavailable`, when trying again later is right, and `Refused`, when it is useless.
        """
