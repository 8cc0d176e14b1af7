"""Asking EasyPost by its own client library, and what its failures mean to the port.

An error's text holds a code and the names of fields, never what EasyPost wrote or was sent: that may be an address.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from easypost.easypost_client import EasyPostClient
from easypost.easypost_object import EasyPostObject
from easypost.errors.api.json_error import JsonError
from easypost.errors.general.easypost_error import EasyPostError
from pydantic import SecretStr, ValidationError
from requests.adapters import HTTPAdapter

from activities import retry_after
from activities.ports import Refused, Unavailable
from domain.base import Model

API: Final = "https://api.easypost.com/v2"

PATIENCE: Final = 14
"""Seconds that one request may take: a look-up has two at most, and 30 seconds for both."""

NOT_FOUND: Final = "not_found"
"""The code of what EasyPost does not know."""

_TOO_MANY: Final = 429
_MAY_COME: Final = frozenset({408, 409, _TOO_MANY})
_OUR_FAULT: Final = range(400, 500)
_WHY: Final = {
    401: ("unauthorised", "EasyPost does not accept the key. Set REDRESS_EASYPOST_API_KEY to one of your account"),
    402: ("payment_required", "EasyPost asks for money. Fill the wallet of the account, or its payment method"),
    403: ("forbidden", "EasyPost does not let this key do that. Use a key of an account that may"),
    404: (NOT_FOUND, "EasyPost does not know it"),
}
_UNDECIDED: Final = frozenset(
    {"SHIPMENT.POSTAGE.TIMED_OUT", "SHIPMENT.POSTAGE.NO_RESPONSE", "SHIPMENT.PURCHASE.IN_PROGRESS"}
)
"""Refusals by their status, but the carrier may have sold the label all the same: look again."""

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,80}")
_REQUEST: Final = re.compile(r"[0-9a-f-]{8,64}")

T = TypeVar("T", bound=Model)


class EasyPost:
    """One account at EasyPost; safe to share between threads. `ask` and `find` raise `Unavailable` or `Refused`.

    `base_url` is EasyPost's own, unless a test puts a double there. A key that begins with EZTK is for tests.
    """

    def __init__(self, api_key: SecretStr, base_url: str = API) -> None:
        self._line = _Line(api_key, base_url)

    def ask(self, body: type[T], call: Callable[[EasyPostClient], object]) -> T:
        """What EasyPost answers to `call`, read as `body`."""
        answer = self._answer(call)
        try:
            return body.model_validate(answer)
        except ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors(include_input=False)}))
            raise Unavailable(f"EasyPost's answer cannot be read: {fields or 'no object'}") from None

    def find(self, body: type[T], call: Callable[[EasyPostClient], object]) -> T | None:
        """The same, or none if EasyPost does not know what is asked for."""
        try:
            return self.ask(body, call)
        except Refused as refused:
            if refused.code == NOT_FOUND:
                return None
            raise

    def _answer(self, call: Callable[[EasyPostClient], object]) -> object:
        self._line.heard(0, {})
        try:
            answer = call(self._line.client)
        except EasyPostError as error:
            # Without its cause: what EasyPost wrote would go into the history with it.
            raise _meaning(error, self._line.status, self._line.headers) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The library stumbles over a body that is none of EasyPost's, such as a proxy's.
            raise Unavailable(f"EasyPost's answer cannot be read ({type(error).__name__})") from None
        return answer.to_dict() if isinstance(answer, EasyPostObject) else answer


class _Line(threading.local):
    """A connection for each thread, and the status and headers of the last answer, which the library keeps back."""

    def __init__(self, api_key: SecretStr, base_url: str) -> None:
        self.client = EasyPostClient(api_key.get_secret_value(), base_url, PATIENCE)
        self.client.subscribe_to_response_hook(self._hear)  # type: ignore[no-untyped-call]
        # The library's own adapter sleeps through Retry-After, up to three times, in the thread of the activity.
        self.client._requests_session.mount(base_url, HTTPAdapter(max_retries=0))  # noqa: SLF001 no public way
        self.heard(0, {})

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, headers

    def _hear(self, **answer: Any) -> None:
        self.heard(answer["http_status"], answer["headers"])


def _meaning(error: EasyPostError, status: int, headers: Mapping[str, str]) -> Unavailable | Refused:
    kind = type(error).__name__
    if status == 0:
        return Unavailable(f"EasyPost cannot be reached, or gave no answer within {PATIENCE} s ({kind})")
    code = _code(getattr(error, "code", None))
    request = headers.get("x-ep-request-uuid", "")
    said = f"{status} {code}".strip() + (f", request {request}" if _REQUEST.fullmatch(request) else "")
    # A body that is no JSON is a proxy's: its 404 does not mean that there is no label yet.
    undecided = status in _MAY_COME or status not in _OUR_FAULT or code in _UNDECIDED or isinstance(error, JsonError)
    if undecided:
        slower = ": too many requests" if status == _TOO_MANY else ""
        return Unavailable(
            f"{said} from EasyPost{slower}", retry_after.seconds(headers.get("Retry-After"), datetime.now(UTC))
        )
    if status in _WHY:
        name, text = _WHY[status]
        return Refused(name, f"{text} ({said})")
    return Refused(code or "refused", f"EasyPost refuses ({said}){_fields(error)}")


def _fields(error: EasyPostError) -> str:
    errors: list[object] = list(getattr(error, "errors", None) or ())
    wrong = sorted(filter(None, (_field(one) for one in errors if isinstance(one, dict))))
    return f": {', '.join(wrong)}" if wrong else ""


def _field(error: Mapping[str, object]) -> str:
    return " ".join(filter(None, (_code(error.get("field")), _code(error.get("code")))))


def _code(value: object) -> str:
    """A machine's word, or nothing: whatever else stands there was written for or by people."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""
