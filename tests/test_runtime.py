"""What every process shares: settings, exit codes, connecting, search attributes."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

import runtime
from runtime import Exit, Settings, SettingsError, load_settings

pytestmark = pytest.mark.usefixtures("bare_environment")


# --- settings ---


def test_without_settings_everything_is_in_var() -> None:
    """Nothing needs to be set, and all files are in one folder."""
    settings = load_settings()
    assert Path("var") == settings.data_dir
    assert "sqlite:///var/redress.sqlite" == settings.store_url
    assert ("INFO", "console", 20, None) == (
        settings.log_level,
        settings.log_format,
        settings.graceful_seconds,
        settings.metrics_address,
    )


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable is REDRESS_ and the setting; an empty one counts as not set; case of words does not matter."""
    monkeypatch.setenv("REDRESS_DATA_DIR", "/srv/redress")
    monkeypatch.setenv("REDRESS_LOG_LEVEL", "warning")
    monkeypatch.setenv("REDRESS_LOG_FORMAT", "JSON")
    monkeypatch.setenv("REDRESS_METRICS_ADDRESS", "")
    settings = load_settings()
    expected = Settings(data_dir=Path("/srv/redress"), log_level="WARNING", log_format="json")
    assert expected == settings
    assert "sqlite:////srv/redress/redress.sqlite" == settings.store_url


def test_every_wrong_setting_has_a_line_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line names the variable, what is wrong and what to write; values may be secrets and are not shown."""
    monkeypatch.setenv("REDRESS_GRACEFUL_SECONDS", "sekrit")
    monkeypatch.setenv("REDRESS_LOG_FORMAT", "sekrit")
    monkeypatch.setenv("REDRESS_LOG_LEVLE", "sekrit")
    monkeypatch.setenv("TEMPORAL_DEPLOYMENT_NAME", "sekrit" * 20)
    with pytest.raises(SettingsError) as wrong:
        load_settings()

    lines = sorted(str(wrong.value).splitlines())
    assert [
        "REDRESS_GRACEFUL_SECONDS is wrong",
        "REDRESS_LOG_FORMAT is wrong",
        "TEMPORAL_DEPLOYMENT_NAME is wrong",
        "There is no setting REDRESS_LOG_LEVLE. Did you mean REDRESS_LOG_LEVEL?",
    ] == [line.split(":")[0] for line in lines]
    assert lines[1].endswith("Write console or json.")
    assert "sekrit" not in str(wrong.value)


def test_a_version_needs_both_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build id without a deployment would silently leave the worker unversioned."""
    monkeypatch.setenv("TEMPORAL_WORKER_BUILD_ID", "7")
    with pytest.raises(SettingsError, match="needs both"):
        load_settings()
    monkeypatch.setenv("TEMPORAL_DEPLOYMENT_NAME", "redress")
    settings = load_settings()
    assert ("redress", "7") == (settings.deployment_name, settings.build_id)


# --- leaving ---


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> None:
    """`runtime.leave` raises SystemExit, since the tests go on."""

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(runtime, "leave", leave)


async def _answer(code: int | None) -> int | None:
    return code


async def _fail(error: BaseException) -> None:
    raise error


def _rpc(status: RPCStatusCode) -> RPCError:
    return RPCError("told", status, b"")


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (0, 0), (Exit.FAILED, 1), (Exit.NOT_FOUND, 5)])
def test_the_answer_of_the_coroutine_is_the_exit_code(left: None, answer: int | None, code: int) -> None:
    """No answer means that all is well."""
    with pytest.raises(SystemExit) as ended:
        runtime.run(_answer(answer))
    assert code == ended.value.code


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (SettingsError("this is wrong"), 2, "this is wrong\n"),
        (runtime.Unreachable("nobody there"), 3, "nobody there\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (_rpc(RPCStatusCode.UNAVAILABLE), 3, "Temporal stopped answering (told)."),
        (_rpc(RPCStatusCode.PERMISSION_DENIED), 3, "Temporal does not let us in (told)."),
        (_rpc(RPCStatusCode.NOT_FOUND), 5, "Temporal does not know it: told.\n"),
        (_rpc(RPCStatusCode.INTERNAL), 1, "Traceback"),
        (ValueError("a defect"), 1, "Traceback"),
    ],
)
def test_what_ends_a_process_has_a_code_and_a_message(
    left: None, error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What people can mend is one message; only our own defects show a stack trace."""
    with pytest.raises(SystemExit) as ended:
        runtime.run(_fail(error))
    assert code == ended.value.code
    assert capsys.readouterr().err.startswith(text)


# --- Temporal ---


@pytest.mark.parametrize("address", ["127.0.0.1:1", "redress.invalid:7233"])
async def test_an_unreachable_temporal_says_what_to_do(address: str) -> None:
    """The error names the address, the reason, and both ways out."""
    with pytest.raises(runtime.Unreachable) as unreachable:
        await runtime.connect(address)
    text = str(unreachable.value)
    assert text.startswith(f"Temporal cannot be reached at {address} (")
    assert "python worker.py --embedded" in text
    assert "TEMPORAL_ADDRESS" in text


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TEMPORAL_ADDRESS": "host:port"}, "TEMPORAL_ADDRESS is wrong"),
        ({"TEMPORAL_PROFILE": "nope"}, "Profile 'nope' not found"),
        ({"TEMPORAL_TLS_CLIENT_CERT_PATH": "none.pem"}, "TLS file .* missing: none.pem"),
    ],
)
async def test_a_wrong_temporal_setting_is_named(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `temporalio.envconfig` cannot use is the user's to mend, so it is a setting like any other."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=expected):
        await runtime.connect()


async def test_a_metrics_address_in_use_is_named() -> None:
    """A port for Prometheus that another program holds is a wrong setting, not a Temporal out of reach."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(SettingsError, match=r"REDRESS_METRICS_ADDRESS is wrong: .*in use"):
            await runtime.connect(metrics_address=address)


async def test_no_error_shows_the_api_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a broken configuration file nor an unreachable server brings the key into a message."""
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.default]\napi_key = "sekrit\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    with pytest.raises(SettingsError) as broken:
        await runtime.connect("127.0.0.1:1")
    file.write_text('[profile.default]\napi_key = "sekrit"\n')
    with pytest.raises(runtime.Unreachable) as unreachable:
        await runtime.connect("127.0.0.1:1")
    assert "sekrit" not in f"{broken.value!r} {unreachable.value!r}"


class _Closed:
    """A client whose server lets nobody register search attributes."""

    namespace = "prod"

    @property
    def operator_service(self) -> Any:
        return self

    async def list_search_attributes(self, _: object) -> None:
        raise _rpc(RPCStatusCode.PERMISSION_DENIED)


async def test_without_permission_to_register_a_warning_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    """On Temporal Cloud an administrator registers search attributes: the worker starts, and says how."""
    with caplog.at_level(logging.WARNING):
        await runtime.register_search_attributes(_Closed())  # type: ignore[arg-type] # a double of two attributes
    assert "--namespace prod --name OrderId --type Keyword" in caplog.text
    assert "--name Risk --type Double" in caplog.text
    assert "--name NextDeadline --type Datetime" in caplog.text


# --- carriers ---


def test_the_key_of_a_carrier_shows_in_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings nor a complaint about another setting show it."""
    monkeypatch.setenv("REDRESS_CARRIERS", "EasyPost")
    monkeypatch.setenv("REDRESS_EASYPOST_API_KEY", "EZAKsekrit")
    settings = load_settings()
    monkeypatch.setenv("REDRESS_EASYPOST_OUNCES", "0")

    with pytest.raises(SettingsError) as wrong:
        load_settings()

    assert ("easypost", 4) == (settings.carriers, settings.carrier_activities_per_second)
    assert "sekrit" not in f"{settings!r} {settings} {settings.model_dump_json()} {wrong.value}"
    assert "REDRESS_EASYPOST_OUNCES is wrong" in str(wrong.value)


def test_a_carrier_that_there_is_no_adapter_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says which there are."""
    monkeypatch.setenv("REDRESS_CARRIERS", "shippo")

    with pytest.raises(SettingsError, match=r"REDRESS_CARRIERS is wrong.*sandbox, or easypost"):
        load_settings()
