"""Where sellers are paid out to: their accounts at the payment provider, kept in our own database."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import Engine, delete, select

from activities.store import payout_accounts

_ACCOUNT: Final = re.compile(r"acct_[A-Za-z0-9]{1,250}")


class SqlPayoutAccounts:
    """The port `PayoutAccounts` over a database that `open_store` has opened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def account(self, seller_id: str) -> str | None:
        """The seller's account, or none."""
        rows = select(payout_accounts.c.account).where(payout_accounts.c.seller_id == seller_id)
        with self._engine.connect() as connection:
            return connection.scalar(rows)

    def keep(self, seller_id: str, account: str) -> None:
        """Pay this seller out to `account` from now on. Raises ValueError for what is no id of a connected account."""
        if not _ACCOUNT.fullmatch(account):
            raise ValueError("write the id of a connected account, as in acct_1PgafTB7WZ01zgkW")
        with self._engine.begin() as connection:
            connection.execute(delete(payout_accounts).where(payout_accounts.c.seller_id == seller_id))
            connection.execute(payout_accounts.insert().values(seller_id=seller_id, account=account))
