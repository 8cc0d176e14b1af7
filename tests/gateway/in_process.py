"""The gateway in the process of the tests, with its store and its keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine
from temporalio.client import Client

import runtime
from activities.store import open_store
from gateway.app import create_app
from gateway.keys import ApiKeys, KeyRole
from gateway.temporal import Temporal


class InProcess:
    """A gateway over files in `folder`; `connect` is its way to Temporal."""

    def __init__(self, folder: Path, connect: Callable[[], Awaitable[Client]], **settings: Any) -> None:
        known: dict[str, Any] = {"data_dir": folder, "gateway_rate": "100000/second"}
        self.settings = runtime.Settings(**known | settings)
        self.store: Engine = open_store(self.settings.store_url)
        self.keys = ApiKeys(self.store)
        patience = timedelta(seconds=self.settings.gateway_patience_seconds)
        temporal = Temporal(connect, task_queue=self.settings.task_queue, patience=patience)
        self.app: FastAPI = create_app(self.settings, temporal, self.store)

    def key(self, *roles: KeyRole, marketplace: str = "demo") -> str:
        """A new key, as its owner presents it."""
        return self.keys.issue(marketplace, roles)[1]

    def bare(self, **headers: str) -> httpx.AsyncClient:
        """A client with these headers alone."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://gateway", headers=headers)

    def client(self, *roles: KeyRole, marketplace: str = "demo") -> httpx.AsyncClient:
        """A client with a new key of these roles; without any, one without a key."""
        return self.bare(**{"Authorization": f"Bearer {self.key(*roles, marketplace=marketplace)}"} if roles else {})
