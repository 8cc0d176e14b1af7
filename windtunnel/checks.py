"""The kinds of rules that marketplaces publish, by the names by which `windtunnel/rules/` calls their checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from windtunnel import checks_cases, checks_orders
from windtunnel.probe import Check

CHECKS: Final[Mapping[str, Check]] = {
    check.__name__: check
    for check in (
        checks_orders.cancels_itself,
        checks_orders.scan_saves,
        checks_orders.may_cancel,
        checks_orders.may_cancel_unscanned,
        checks_orders.cancels_unscanned,
        checks_orders.scan_ships,
        checks_orders.on_time,
        checks_orders.own_promise,
        checks_orders.reminder,
        checks_orders.grace,
        checks_orders.seller_must_approve,
        checks_orders.cancellation_silence,
        checks_orders.cancellation_answer,
        checks_orders.opens,
        checks_orders.closes,
        checks_orders.only_once_delivered,
        checks_orders.releases,
        checks_orders.release_reminder,
        checks_orders.case_holds,
        checks_cases.silence,
        checks_cases.answer,
        checks_cases.answer_reminder,
        checks_cases.checklist,
        checks_cases.top_up,
        checks_cases.undisturbed,
        checks_cases.tracked_delivery,
        checks_cases.keeps_the_item,
        checks_cases.return_due,
        checks_cases.return_closes,
        checks_cases.free_return,
        checks_cases.buyer_pays_return,
        checks_cases.inspection_silence,
        checks_cases.inspection_answer,
        checks_cases.finding_needs_photos,
        checks_cases.deduction,
        checks_cases.appeal_window,
        checks_cases.appeal_needs_news,
        checks_cases.appeal_is_final,
        checks_cases.appeal_answer,
        checks_cases.no_appeal,
    )
}
