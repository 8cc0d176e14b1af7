"""What every process shares: settings, the one plugin, connecting, the search attributes, and leaving cleanly.

Exceptions that end a process with a message for people, each with its exit code:

    Problem
     ├── SettingsError   a setting is wrong            (2)
     ├── Unreachable     Temporal does not answer      (3)
     ├── AccessDenied    Temporal does not let us in   (3)
     └── NotFound        Temporal does not know it     (5)

Temporal is imported where it is used, so that a command line can show its help at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import logging
import os
import re
import sys
import traceback
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, NoReturn

import pydantic
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.envconfig import ClientConnectConfig
    from temporalio.plugin import SimplePlugin
    from temporalio.runtime import Runtime
    from temporalio.service import RPCError

TASK_QUEUE = "redress"

DEFAULT_ADDRESS: Final = "127.0.0.1:7233"

ADDRESS: Final = r"^[^\s:]+:\d{1,5}$"
"""Host and port."""

_CONNECT: Final = timedelta(seconds=10)
_USABLE: Final = timedelta(seconds=15)
_LONGEST_REASON: Final = 200

log = logging.getLogger("redress")


def plugin() -> SimplePlugin:
    """Data converter, sandbox and failure types, the same for worker, starter, tests and replayer."""
    from temporalio.contrib.pydantic import pydantic_data_converter
    from temporalio.plugin import SimplePlugin

    import workflow_sandbox

    return SimplePlugin(
        "redress",
        data_converter=pydantic_data_converter,
        workflow_runner=workflow_sandbox.runner(),
        # A start input that does not decode would otherwise leave a workflow whose task fails for ever.
        workflow_failure_exception_types=[pydantic.ValidationError],
    )


# --- leaving ---


class Exit(IntEnum):
    """The exit codes of every entry point."""

    OK = 0
    FAILED = 1
    """A check failed, or the program itself did."""
    USAGE = 2
    """A wrong option, setting or input; nothing was done."""
    UNREACHABLE = 3
    """Temporal does not answer, or not to us."""
    REFUSED = 4
    """Refused by the rules of the order."""
    NOT_FOUND = 5
    INTERRUPTED = 130
    """Ctrl-C."""


class Problem(Exception):
    """Ends a process with its message, which says what to do, and its exit code. Subclasses choose the code."""

    code: ClassVar[Exit] = Exit.FAILED


def run(main: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run the coroutine, then end the process: the last call of every entry point.

    The exit code is the result of the coroutine (none is 0), the code of a `Problem`, 3 if Temporal stopped
    answering, 5 if it does not know the workflow, 130 after Ctrl-C. A `Problem` is one message on standard error.
    """
    try:
        code = asyncio.run(main) or Exit.OK
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except Problem as problem:
        code = _complain(str(problem), problem.code)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as in `starter.py list | head`.
        code = Exit.OK
    except Exception as error:  # noqa: BLE001 the last chance to show it, and the process ends all the same
        if (known := _as_problem(error)) is None:
            traceback.print_exception(error)
            code = Exit.FAILED
        else:
            code = _complain(str(known), known.code)
    leave(code)


def leave(code: int) -> NoReturn:
    """End the process now, with what it has written.

    The SDK's native threads may abort a process while Python clears up (sdk-python issue 300), so it does not clear up.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _complain(message: str, code: Exit) -> Exit:
    sys.stderr.write(f"{message}\n")
    return code


def _as_problem(error: Exception) -> Problem | None:
    if "temporalio.service" not in sys.modules:
        return None
    from temporalio.service import RPCError, RPCStatusCode

    if not isinstance(error, RPCError):
        return None
    if error.status is RPCStatusCode.NOT_FOUND:
        return NotFound(f"Temporal does not know it: {error.message}.")
    if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
        return Unreachable(f"Temporal stopped answering ({error.message}). Nothing is lost; try again once it is up.")
    return _identity(error)


# --- settings ---


def _long_enough(secrets: SecretStr | None) -> SecretStr | None:
    if secrets and any(len(secret) < _SHORTEST_SECRET for secret in secrets.get_secret_value().split()):
        raise ValueError(f"each secret must have at least {_SHORTEST_SECRET} characters")
    return secrets


_SHORTEST_SECRET: Final = 16
_SECRETS: Final = "the secret that the provider signs with; of several, parted by spaces, each is taken"

WebhookSecrets = Annotated[SecretStr | None, AfterValidator(_long_enough)]
"""Secrets, parted by white space. None: that provider's webhooks are not taken."""


class SettingsError(Problem):
    """One line for each wrong setting: its variable, what is wrong, what to write."""

    code = Exit.USAGE


class Settings(BaseSettings):
    """What this installation decides, from environment variables named `REDRESS_` and the setting in capitals.

    How to reach Temporal is not among them: `temporalio.envconfig` reads TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
    TEMPORAL_API_KEY, the TLS settings and the configuration file of the Temporal command line.
    """

    model_config = SettingsConfigDict(
        env_prefix="REDRESS_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True, validate_by_name=True
    )

    data_dir: Path = Field(Path("var"), description="a folder for our files, for example var")
    store_url: str = Field(
        default_factory=lambda given: f"sqlite:///{given['data_dir'] / 'redress.sqlite'}",
        description="an SQLAlchemy URL for outbox and outcomes, for example postgresql+psycopg://redress@db/redress",
    )
    files_url: str = Field(
        default_factory=lambda given: str(Path(given["data_dir"] / "files").absolute()),
        min_length=1,
        description="a folder or an fsspec URL for evidence files, for example s3://bucket/evidence",
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(str.lower)] = Field(
        "console", description="console or json"
    )
    task_queue: str = Field(TASK_QUEUE, min_length=1, max_length=200, description="the queue that workers share")
    connect_seconds: float = Field(30, ge=0, le=3600, description="seconds to wait for Temporal, 0 to 3600")
    graceful_seconds: float = Field(20, ge=0, le=3600, description="seconds to finish work at a stop, 0 to 3600")
    max_cached_workflows: int = Field(1_000, ge=0, le=1_000_000, description="open orders kept in memory, 0 or more")
    sticky_seconds: float = Field(10, ge=0.1, le=600, description="seconds to wait for a lost worker, 0.1 to 600")
    max_concurrent_workflow_tasks: int = Field(100, ge=2, le=10_000, description="a number from 2 to 10000")
    max_concurrent_activities: int = Field(32, ge=1, le=10_000, description="a number from 1 to 10000")
    payments: Annotated[Literal["sandbox", "stripe"], BeforeValidator(str.lower)] = Field(
        "sandbox", description="sandbox or stripe"
    )
    stripe_api_key: SecretStr | None = Field(
        None, description="a secret or restricted key of Stripe, for example sk_test_..."
    )
    stripe_live: bool = Field(False, description="true to let a live key move real money, else false")
    stripe_api_base: str | None = Field(
        None, pattern=r"^https?://\S+[^/\s]$", description="where a stand-in for Stripe listens, for tests"
    )
    notices: Annotated[Literal["outbox", "smtp"], BeforeValidator(str.lower)] = Field(
        "outbox", description="outbox (they are only kept) or smtp (they are mailed)"
    )
    smtp_url: SecretStr | None = Field(
        None, description="the mail server, for example smtp://user:password@mail.example.org:587"
    )
    mail_from: str | None = Field(
        None, description="the sender of mail, for example Redress <no-reply@marketplace.example>"
    )
    webhook_url: str | None = Field(
        None, pattern=r"^https?://[^\s/]\S*$", description="where the storefront takes notices, an http(s) URL"
    )
    webhook_secret: SecretStr | None = Field(
        None, description="the secret that signs webhooks: whsec_ and 24 to 64 random bytes in base64"
    )
    metrics_address: str | None = Field(
        None, pattern=ADDRESS, description="where Prometheus reads, for example 127.0.0.1:9090"
    )
    ui_url: str = Field(
        "http://127.0.0.1:8233", pattern=r"^https?://\S+$", description="the Temporal Web UI, for links"
    )
    carriers: Annotated[Literal["sandbox", "easypost"], BeforeValidator(str.lower)] = Field(
        "sandbox", description="sandbox, or easypost with REDRESS_EASYPOST_API_KEY"
    )
    carrier_activities_per_second: float = Field(
        4, gt=0, le=1_000, description="how often all workers together ask real carriers, 0.1 to 1000 a second"
    )
    easypost_api_key: SecretStr | None = Field(None, description="a key of an EasyPost account")
    easypost_url: str = Field(
        "https://api.easypost.com/v2",
        pattern=r"^https?://\S+[^/\s]$",
        description="where EasyPost answers",
    )
    easypost_ounces: float = Field(32, gt=0, le=1_120, description="what a return weighs, in ounces, to 1120 (70 lb)")
    easypost_insure: bool = Field(False, description="true or false: whether return labels are insured")
    easypost_claims_email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="the e-mail address of the marketplace for insurance claims"
    )
    gateway_address: str = Field(
        "127.0.0.1:8080", pattern=ADDRESS, description="where the gateway listens, for example 127.0.0.1:8080"
    )
    gateway_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]\S*$",
        description="how clients reach the gateway, for example https://protection.example.com",
    )
    gateway_rate: str = Field(
        "600/minute",
        pattern=r"^\d{1,6}/(second|minute|hour)$",
        description="requests of one key, for example 600/minute",
    )
    gateway_patience_seconds: float = Field(5, ge=0.1, le=60, description="seconds to wait for Temporal, 0.1 to 60")
    gateway_secret: SecretStr | None = Field(
        None, min_length=32, description="32 or more characters of chance, the same for all gateways"
    )
    easypost_webhook_secrets: WebhookSecrets = Field(None, description=_SECRETS)
    stripe_webhook_secrets: WebhookSecrets = Field(None, description=_SECRETS)
    gateway_sandbox: bool = Field(
        False, description="true to try things out: payments count as taken, and orders may have their own clock"
    )
    largest_photo_bytes: int = Field(
        25_000_000, ge=1_000, le=100_000_000, description="bytes of one photo, 1000 to 100000000"
    )
    deployment_name: str | None = Field(
        None,
        max_length=63,
        validation_alias="TEMPORAL_DEPLOYMENT_NAME",
        description="a name of at most 63 characters, together with TEMPORAL_WORKER_BUILD_ID",
    )
    build_id: str | None = Field(
        None,
        max_length=63,
        validation_alias="TEMPORAL_WORKER_BUILD_ID",
        description="an id of at most 63 characters, together with TEMPORAL_DEPLOYMENT_NAME",
    )


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError, also for a variable that only looks like a setting."""
    try:
        settings = Settings()
    except pydantic.ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        # A default that would have been made from other settings is no mistake of anybody's.
        wrong = [_wrong(one["loc"], one["msg"]) for one in found if one["type"] != "default_factory_not_called"]
        raise SettingsError("\n".join(wrong + _misspelt(os.environ))) from None
    if misspelt := _misspelt(os.environ):
        raise SettingsError("\n".join(misspelt))
    if empty := [name for name in _SECRET_VARIABLES if name in os.environ and not os.environ[name].strip()]:
        # Elsewhere empty means unset. Whoever sets a secret wants its door to open: it must not stay shut unnoticed.
        raise SettingsError("\n".join(f"{name} is empty. Write {_SECRETS}, or unset it." for name in empty))
    if bool(settings.deployment_name) != bool(settings.build_id):
        raise SettingsError(
            "Worker versioning needs both TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID. "
            "Set the other one too, or neither."
        )
    _check_delivery(settings)
    return settings


def _check_delivery(settings: Settings) -> None:
    if settings.notices == "smtp" and not (settings.smtp_url and settings.mail_from):
        raise SettingsError(
            "Mailing notices (REDRESS_NOTICES=smtp) needs REDRESS_SMTP_URL and REDRESS_MAIL_FROM. "
            "Set both, or leave notices in the outbox."
        )
    if bool(settings.webhook_url) != bool(settings.webhook_secret):
        raise SettingsError(
            "Webhooks need both REDRESS_WEBHOOK_URL and REDRESS_WEBHOOK_SECRET; an empty one counts as none. "
            "Set the other one too, or neither."
        )


def _variable(name: str) -> str:
    return name if name.startswith("TEMPORAL_") else f"REDRESS_{name.upper()}"


_SECRET_VARIABLES: Final = ("REDRESS_EASYPOST_WEBHOOK_SECRETS", "REDRESS_STRIPE_WEBHOOK_SECRETS")


def _wrong(loc: tuple[int | str, ...], text: str) -> str:
    variable = _variable(str(loc[0]))
    text = text.removeprefix("Value error, ")
    described = {_variable(str(f.validation_alias or name)): f.description for name, f in Settings.model_fields.items()}
    return f"{variable} is wrong: {text[0].lower()}{text[1:]}. Write {described[variable]}."


NO_SETTINGS = ("REDRESS_DATA",)
"""Variables that begin like settings but belong to others: where tests and the replay find recorded orders."""


def _misspelt(environment: Mapping[str, str]) -> list[str]:
    known = [_variable(str(field.validation_alias or name)) for name, field in Settings.model_fields.items()]
    unknown = sorted(name for name in environment if name.startswith("REDRESS_") and name not in (*known, *NO_SETTINGS))
    return [f"There is no setting {name}.{_hint(name, known)}" for name in unknown]


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else f" There are: {', '.join(known)}."


# --- logs ---


def configure_logging(settings: Settings) -> None:
    """Structured logs on standard error, for people or as JSON lines; may be called again."""
    import logs

    logs.configure(settings.log_level, settings.log_format)


# --- Temporal ---


class Unreachable(Problem):
    """Temporal does not answer."""

    code = Exit.UNREACHABLE


class AccessDenied(Problem):
    """Temporal answers, but not to us."""

    code = Exit.UNREACHABLE


class NotFound(Problem):
    """Temporal does not know the workflow."""

    code = Exit.NOT_FOUND


async def connect(address: str | None = None, *, metrics_address: str | None = None) -> Client:
    """A client with our plugin, as `temporalio.envconfig` says, by default to 127.0.0.1:7233.

    `address` replaces only the address of the profile. Raises SettingsError if the profile is wrong, Unreachable.
    """
    config = _profile()
    config["target_host"] = address or config.get("target_host", DEFAULT_ADDRESS)
    return await connect_with(config, metrics_address=metrics_address)


async def connect_with(config: ClientConnectConfig, *, metrics_address: str | None = None) -> Client:
    """A client with our plugin for this configuration, which must name the address. Raises as `connect`."""
    from temporalio.client import Client
    from temporalio.service import RPCError

    address = config["target_host"]
    core = _core(metrics_address)
    try:
        return await Client.connect(**config, plugins=[plugin()], runtime=core, connect_timeout=_CONNECT)
    except ValueError as error:
        raise SettingsError(
            f"TEMPORAL_ADDRESS is wrong: {error}. Write host:port, such as {DEFAULT_ADDRESS}."
        ) from None
    except RPCError as error:
        if (refused := _identity(error)) is not None:
            raise refused from error
        reason = error.message
    except RuntimeError as error:
        # What the SDK raises for any failure to connect; its text holds neither key nor certificate.
        reason = str(error)
    raise Unreachable(
        f"Temporal cannot be reached at {address} ({_reason(reason)}). "
        "Start one with `python worker.py --embedded`, or set TEMPORAL_ADDRESS to yours."
    )


def _profile() -> ClientConnectConfig:
    """The profile of this process. It holds the API key, and its text shows it: it is never logged."""
    from temporalio.envconfig import ClientConfig

    try:
        return ClientConfig.load_client_connect_config()
    except FileNotFoundError as error:
        raise SettingsError(f"A TLS file of the Temporal settings is missing: {error.filename}.") from None
    except (RuntimeError, ValueError, TypeError) as error:
        # The first line only: the next ones quote the configuration file, where the API key is.
        told = str(error).splitlines()[0]
        raise SettingsError(
            f"The Temporal settings are wrong: {told}. Look at TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE and that file."
        ) from None


def _reason(text: str) -> str:
    """The innermost reason in an error text of the SDK's core."""
    quoted = re.findall(r'(?:message|error): "([^"]+)"', text)
    return (quoted[-1] if quoted else text.splitlines()[0])[:_LONGEST_REASON]


def _identity(error: RPCError) -> Problem | None:
    from temporalio.service import RPCStatusCode

    if error.status in (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED):
        return AccessDenied(
            f"Temporal does not let us in ({error.message}). "
            "Check TEMPORAL_API_KEY, the TLS certificate and TEMPORAL_NAMESPACE."
        )
    return None


@lru_cache
def _core(metrics_address: str | None) -> Runtime:
    """The SDK's core. Its warnings go through our logs; by itself it would write them to standard output."""
    from temporalio.runtime import (
        LogForwardingConfig,
        LoggingConfig,
        PrometheusConfig,
        Runtime,
        TelemetryConfig,
        TelemetryFilter,
    )

    forwarding = LogForwardingConfig(
        logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    )
    warnings = TelemetryFilter(core_level="WARN", other_level="ERROR")
    metrics = PrometheusConfig(metrics_address, durations_as_seconds=True) if metrics_address else None
    try:
        return Runtime(
            telemetry=TelemetryConfig(logging=LoggingConfig(warnings, forwarding=forwarding), metrics=metrics)
        )
    except ValueError as error:
        raise SettingsError(
            f"REDRESS_METRICS_ADDRESS is wrong: {error}. Write a free IP address and port, for example 127.0.0.1:9090."
        ) from None


async def register_search_attributes(client: Client) -> None:
    """Make every search attribute of `workflows.search_attributes` usable; those that are there are left alone.

    Where we may not register them, as on Temporal Cloud, a warning says what is missing and how to add it.
    """
    from temporalio.api.enums.v1 import IndexedValueType
    from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
    from temporalio.service import RPCError, RPCStatusCode

    from workflows import search_attributes

    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in search_attributes.ALL}
    missing = wanted
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {name: kind for name, kind in wanted.items() if name not in known.custom_attributes}
        for name, kind in wanted.items():
            if known.custom_attributes.get(name, kind) != kind:
                # The server would say nothing, and every order would then fail its first task.
                log.warning("search attribute %s has another type; it must be %s", name, _kind(kind))
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        refusals = (
            RPCStatusCode.PERMISSION_DENIED,
            RPCStatusCode.UNAUTHENTICATED,
            RPCStatusCode.UNIMPLEMENTED,
            RPCStatusCode.INVALID_ARGUMENT,
        )
        if error.status not in refusals:
            raise
        todo = " ".join(f"--name {name} --type {_kind(kind)}" for name, kind in missing.items())
        log.warning(
            "search attributes could not be registered (%s). Unless they are there already, have an administrator run: "
            "temporal operator search-attribute create --namespace %s %s",
            error.message,
            client.namespace,
            todo,
        )
    else:
        if missing:
            await _until_usable(client, missing)


async def _until_usable(client: Client, names: Mapping[str, object]) -> None:
    """Registered attributes reach every part of a cluster with a delay."""
    from temporalio.service import RPCError, RPCStatusCode

    query = " AND ".join(f"{name} IS NULL" for name in names)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_USABLE.total_seconds()):
            while True:
                try:
                    await client.count_workflows(query)
                except RPCError as error:
                    if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                        raise
                    await asyncio.sleep(0.1)
                else:
                    return
    log.warning("search attributes are registered but not usable yet; the first orders may start late")


def _kind(kind: int) -> str:
    from temporalio.api.enums.v1 import IndexedValueType

    return IndexedValueType.Name(IndexedValueType.ValueType(kind)).removeprefix("INDEXED_VALUE_TYPE_").capitalize()
