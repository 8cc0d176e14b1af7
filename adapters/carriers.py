"""Which carriers are asked: those of the sandbox, or real ones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import runtime
from adapters.files import data_folder

if TYPE_CHECKING:
    from activities.ports import Carriers, Claims

CARRIER_FILE: Final = "carrier.sqlite"

log = logging.getLogger("redress.worker")


def carriers_of(settings: runtime.Settings) -> tuple[Carriers, Claims]:
    """The carriers that the settings name, and those who pay for lost parcels. Raises runtime.SettingsError."""
    if settings.carriers == "sandbox":
        from activities.sandbox.carrier import SandboxCarrier
        from activities.sandbox.claims import SandboxClaims

        path = data_folder(settings) / CARRIER_FILE
        return SandboxCarrier(path), SandboxClaims(path)
    from activities.easypost.carrier import EasyPostCarriers
    from activities.easypost.client import EasyPost
    from activities.easypost.labels import Wishes

    if settings.easypost_api_key is None:
        raise runtime.SettingsError(
            "REDRESS_CARRIERS=easypost needs REDRESS_EASYPOST_API_KEY: a key of your EasyPost account, "
            "for trials one that begins with EZTK."
        )
    trial = settings.easypost_api_key.get_secret_value().startswith("EZTK")
    log.info(
        "carriers are real ones: EasyPost with a key %s, %s activities a second at most",
        "for trials" if trial else "that buys",
        settings.carrier_activities_per_second,
    )
    easypost = EasyPostCarriers(
        EasyPost(settings.easypost_api_key, settings.easypost_url),
        Wishes(ounces=settings.easypost_ounces, insure=settings.easypost_insure),
        settings.easypost_claims_email,
    )
    return easypost, easypost
