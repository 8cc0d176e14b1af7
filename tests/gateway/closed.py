"""A gateway whose Temporal is away: what it answers by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import Engine
from temporalio.client import Client

import runtime
from activities.store import open_store
from gateway.app import create_app
from gateway.keys import ApiKeys, KeyRole
from gateway.temporal import Temporal


async def nobody() -> Client:
    """What connecting comes to."""
    raise runtime.Unreachable("nobody is there")


class Closed:
    """The gateway, its store, and clients with keys."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        known: dict[str, Any] = {"data_dir": folder, "gateway_rate": "100000/second"}
        self.settings = runtime.Settings(**known | settings)
        self.store: Engine = open_store(self.settings.store_url)
        self.keys = ApiKeys(self.store)
        temporal = Temporal(nobody, task_queue="none", patience=timedelta(seconds=1))
        self.app: FastAPI = create_app(self.settings, temporal, self.store)

    def client(self, *roles: KeyRole, marketplace: str = "demo") -> httpx.AsyncClient:
        """A client with a key of these roles; without any, one without a key."""
        headers = {}
        if roles:
            headers["Authorization"] = f"Bearer {self.keys.issue(marketplace, roles)[1]}"
        return self.bare(**headers)

    def bare(self, **headers: str) -> httpx.AsyncClient:
        """A client with these headers alone."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://gateway", headers=headers)

    @property
    def routes(self) -> list[APIRoute]:
        """Every route of the app."""
        found = [getattr(one, "original_route", one) for one in iter_route_contexts(self.app.routes)]
        return [route for route in found if isinstance(route, APIRoute)]
