"""A pack is read whole or refused with every mistake and its line; an order keeps what it is pinned to."""

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from domain import policy_packs
from domain.policy import Policy, Reason, share
from domain.policy_packs import PackError
from domain.toml_lines import lines_of
from storefront import policy_table
from tests.domain.packs import FOLDER, TEXT, changed

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
laws = settings(max_examples=60, deadline=None)
BLACK_FRIDAY_WEEK = datetime(2026, 11, 23, 12, tzinfo=UTC)


def settings_of(value: object, path: str = "") -> list[str]:
    """Every setting of a policy: what is neither a block nor given by the order."""
    inside = f"{path}." if path else ""
    if isinstance(value, BaseModel):
        names = [name for name in type(value).model_fields if inside or name not in ("pack", "holidays")]
        return [leaf for name in names for leaf in settings_of(getattr(value, name), f"{inside}{name}")]
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in settings_of(item, f"{inside}{key}")]
    return [path]


def problems(text: str) -> list[tuple[int, str]]:
    """What is wrong with a pack: lines and messages."""
    with pytest.raises(PackError) as refused:
        policy_packs.read(text)
    return [(problem.line, problem.message) for problem in refused.value.problems]


def test_names_every_pack_and_each_can_be_loaded() -> None:
    """Every pack that comes with Redress can be loaded by its name."""
    names = policy_packs.names()

    assert "resale-v1" in names
    assert names == tuple(policy_packs.load(name).policy.pack for name in names)


@pytest.mark.parametrize("name", policy_packs.names())
def test_every_setting_has_a_source(name: str) -> None:
    """No value of a pack stands without the place it comes from."""
    pack = policy_packs.load(name)

    # The desk's hours are written weekday by weekday, and its holidays depend on the order.
    told = {setting for setting in settings_of(pack.policy) if not setting.startswith("support.hours.")}
    told |= {f"support.hours.{key}" for key in ("name", "time_zone", "holidays_of", "Monday", "Friday")}
    told = {setting for setting in told if not setting.startswith("evidence.by_category.")} | {"evidence.by_category"}
    optional = {setting for setting in told if setting.rpartition(".")[2].startswith("remind_")}
    written = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))

    assert set() == (told - optional) - set(pack.sources)
    assert set() == {setting for setting in optional if _at(written, setting)} - set(pack.sources)
    assert all(pack.sources.values())


def _at(table: object, setting: str) -> object:
    for key in setting.split("."):
        if not isinstance(table, dict):
            return None
        table = table.get(key)
    return table


def test_resale_has_a_rule_for_every_reason() -> None:
    """A buyer can complain for each of the ten reasons."""
    assert tuple(Reason) == tuple(policy_packs.load("resale-v1").policy.reasons)


def test_an_unknown_name_tells_the_names_there_are() -> None:
    """Whoever asks for a pack that does not exist learns which do."""
    with pytest.raises(ValueError, match=r"no policy pack 'resale-v', did you mean 'resale-v1'\?.*resale-v1\."):
        policy_packs.load("resale-v")


def test_reads_a_file_of_a_policy_owner(tmp_path: Path) -> None:
    """A pack outside the repository is read like one inside."""
    file = tmp_path / "mine.toml"
    file.write_text(TEXT, encoding="utf-8")

    assert policy_packs.read(TEXT).policy == policy_packs.read(file).policy


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """A file in another encoding is refused by name, not with a stack of codec errors."""
    file = tmp_path / "mine.toml"
    file.write_bytes('title = "Größe"'.encode("latin-1"))

    with pytest.raises(PackError, match=r"mine\.toml:1: is not UTF-8"):
        policy_packs.read(file)


def test_a_name_of_ours_with_other_rules_is_refused() -> None:
    """`resale-v1` means the same rules everywhere, so nobody else may use the name for others."""
    text, _ = changed("cancellation", '"3 h"', '"4 h"', TEXT.replace('"trial-v1"', '"resale-v1"'))

    assert [
        (
            text[: text.index("pack =")].count("\n") + 1,
            "'resale-v1' is a pack of Redress with other rules: choose another name",
        )
    ] == problems(text)


@pytest.mark.parametrize(
    ("block", "old", "new", "message"),
    [
        ("", "[shipping.hard]", "[shipping.hrad]", "`shipping.hrad`, did you mean `shipping.hard`?"),
        ("limits", "text_", "zzz = 1\ntext_", "`limits.zzz`: here are text_characters, story_entries, messages, "),
        ("lookup", "source =", "sorce =", "unknown setting `lookup.sorce`, did you mean `lookup.source`?"),
        ("shipping.extension", "source.cap", "source.kap", "unknown setting `shipping.extension.source.kap`"),
        ("cancellation.answer", '"24 h"', '"24 hours"', "`cancellation.answer.within`: '24 hours' is not a span"),
        ("cancellation.answer", '"24 h"', "24", "`cancellation.answer.within`: 24 is not a span"),
        ("cancellation.answer", '"grant_', '"grnt_', "did you mean `grant_cancellation`?"),
        ("cancellation.answer", '"grant_cancellation"', '"x"', "write `grant_cancellation` or `refuse_"),
        ("transit", '"platform"', '"x"', "write `buyer` or `seller` or `support` or"),
        ("shipping.extension", "requests = 1", 'requests = "1"', "`shipping.extension.requests`: "),
        ("support", "0.75", "1.0", "`support.warn_at`: "),
        ("lookup", "1.5", "nan", "`lookup.growth`: "),
        ("support.hours", 'Tuesday = ["09', 'Tuesday = ["9', "`support.hours.Tuesday`: '9:00-12:30' is"),
        ("support.hours", '"America/New_York"', '"New York"', "`support.hours.time_zone`: 'New York' is"),
        ("support.hours", '"US"', '"ZZ"', "`support.hours.holidays_of`: no holidays known for 'ZZ'"),
        ("", '"trial-v1"', '"Trial 1"', "'Trial 1' is not the name of a pack"),
        ("", 'title = "Resale', 'title = "" # "', "missing title"),
        ("", '["Saturday", "Sunday"]', "[5, 6]", "`weekend` needs weekdays by name"),
        ("disruptions", 'source = "Own', 'source = "" # "', "the block `disruptions` has no source"),
        ("lookup", "growth = 1.5", "growth = ", "is not TOML: "),
        ("reasons.damaged", '"photo_front"', '"foto_front"', "did you mean `photo_front`?"),
        ("reasons.damaged", '"platform"', '"plattform"', "did you mean `platform`?"),
        ("reasons.damaged", "true", '"yes"', '"yes" is neither true nor false'),
        ("reasons.damaged.fast_track", '"USD 150.00"', "150", "150 is not an amount: write it as currency and number"),
        ("reasons.damaged.fast_track", '"USD 150.00"', "{ USD = 150 }", 'for example "USD 150.00"'),
        ("reasons.damaged.fast_track", '"USD 150.00"', '"USD 150.005"', "write an amount as currency and number"),
        ("reasons.damaged.fast_track", '"USD 150.00"', '"usd 150"', "'usd' is not an ISO 4217 currency"),
        ("evidence", '["serial_number"]', '"serial_number"', 'write it in brackets, ["serial_number"]'),
        (
            "evidence",
            "{ phones",
            '{ source = "x", phones',
            "one setting: write source.by_category in [evidence] instead",
        ),
        ("seller_protection", '"late"', '"lates"', "did you mean `late`?"),
        ("support", '"negotiating"', '"negotiate"', "did you mean `negotiating`?"),
        ("returns", "0.5", "1.5", "`returns.deduction`: Input should be less than or equal to 1"),
        ("appeals", "1.0", "-0.5", "`appeals.clawback`: Input should be greater than or equal to 0"),
    ],
)
def test_a_mistake_is_told_with_its_line(block: str, old: str, new: str, message: str) -> None:
    """What is wrong is told once, with the line on which it stands."""
    text, line = changed(block, old, new)

    assert [line] == [at for at, said in problems(text) if message in said]


@pytest.mark.parametrize(
    ("block", "old", "message", "above"),
    [
        ("chargebacks.longest", 'within = "120 CD"', "missing setting `chargebacks.longest.within`", 1),
        ("disruptions", "source =", "the block `disruptions` has no source", 2),
        ("shipping.hard", "source.within =", "`shipping.hard.within` has no source", 3),
    ],
)
def test_what_is_missing_is_told_where_it_belongs(block: str, old: str, message: str, above: int) -> None:
    """A missing setting or source is told with the line of its block, or of the setting that has no source."""
    text, line = changed(block, old, "# ")

    assert [line - above] == [at for at, said in problems(text) if message in said]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_asked_for(reason: Reason) -> None:
    """A pack that forgets a reason would leave a buyer without an answer."""
    start = TEXT.index(f"[reasons.{reason}]")
    end = TEXT.index("source", TEXT.index(f"[reasons.{reason}.fast_track]"))
    text = TEXT[:start] + TEXT[TEXT.index("\n\n", end) :]

    line = text[: text.index("[reasons.")].count("\n") + 1
    assert [(line, f"missing setting `reasons.{reason}`")] == problems(text)


def test_all_mistakes_are_told_at_once_as_the_page_shows() -> None:
    """A policy owner sees everything that is wrong in one go, as docs/policy.md prints it."""
    text, _ = changed("", "[shipping.soft]", "[shiping.soft]")
    text, _ = changed("cancellation.answer", '"24 h"', '"24 hours"', text)
    text, _ = changed("disruptions", "source =", "# source =", text)
    text, _ = changed("protection.window", '"release"', '"relese"', text)

    with pytest.raises(PackError) as refused:
        policy_packs.read(text)

    assert f"```text\n{refused.value}\n```" in PAGE.read_text(encoding="utf-8")


def test_every_cited_page_is_listed() -> None:
    """A key such as (PM1) can be looked up in docs/policy.md."""
    sources = " ".join(policy_packs.load("resale-v1").sources.values())

    cited = set(re.findall(r"\b[A-Z]{2}[0-9]+\b", sources))

    assert cited == set(re.findall(r"^\| ([A-Z]{2}[0-9]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_table_of_the_page_is_fresh() -> None:
    """docs/policy.md shows the pack as it is; renew it with `python -m storefront.policy_table docs/policy.md`."""
    page = PAGE.read_text(encoding="utf-8")

    assert policy_table.renew(page) == page


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("weekend", "Saturday, Sunday"),
        ("reasons.changed_mind.appealable", "no"),
        ("reasons.damaged.fast_track.largest", "USD 150.00, EUR 140.00, GBP 120.00, JPY 22,000, CNY 1,000.00"),
        ("reasons.late.evidence", "none"),
        ("reasons.missing_item.evidence", "photo_front, photo_parcel"),
        ("evidence.largest_bytes", "50,000,000"),
        ("evidence.by_category", "phones: serial_number; electronics: serial_number"),
        ("returns.pickup", "yes"),
    ],
)
def test_the_table_shows_values_as_people_write_them(setting: str, value: str) -> None:
    """Amounts, lists and yes or no can be read by somebody who reads no code."""
    rows = policy_table.table(policy_packs.load("resale-v1")).splitlines()

    assert [value] == [row.split(" | ")[1] for row in rows if row.startswith(f"| `{setting}` |")]


def test_the_table_says_what_is_left_to_the_default() -> None:
    """A setting that a pack leaves out still holds, so its row stands in the table."""
    text, _ = changed("offers", "most = 3\n", "")

    rows = policy_table.table(policy_packs.read(text)).splitlines()

    assert "| `offers.most` | 3 |  | Not in the pack: the default |" in rows


def test_pins_the_holidays_of_both_countries_and_the_desk() -> None:
    """An order knows the holidays where its parties live, and those of the support desk."""
    policy = policy_packs.pin(policy_packs.load("resale-v1"), placed_at=BLACK_FRIDAY_WEEK, countries=["GB", "DE", "GB"])

    thanksgiving, unity_day = date(2026, 11, 26), date(2027, 10, 3)
    assert ["DE", "GB"] == list(policy.holidays)
    assert thanksgiving in policy.support.hours.holidays
    assert thanksgiving not in policy.holidays["GB"]
    assert unity_day in policy.holidays["DE"]


def test_pins_the_year_of_the_order_and_the_two_after_it() -> None:
    """Holidays reach beyond every clock of an order."""
    pack = policy_packs.load("resale-v1")

    policy = policy_packs.pin(pack, placed_at=BLACK_FRIDAY_WEEK, countries=["US"])

    assert {2026, 2027, 2028} == {day.year for day in policy.holidays["US"]}


def test_new_years_morning_still_knows_the_old_year() -> None:
    """Where it is still the old year when an order is placed, its last holidays count."""
    pack = policy_packs.load("resale-v1")

    policy = policy_packs.pin(pack, placed_at=datetime(2027, 1, 1, 3, tzinfo=UTC), countries=["US"])

    assert {2026, 2027, 2028, 2029} == {day.year for day in policy.holidays["US"]}


def test_a_country_without_known_holidays_is_refused() -> None:
    """A country that is a slip of the pen is refused when the order is made, not at its deadline."""
    with pytest.raises(ValueError, match="no holidays known for 'ZZ'"):
        policy_packs.pin(policy_packs.load("resale-v1"), placed_at=BLACK_FRIDAY_WEEK, countries=["ZZ"])


def test_a_naive_instant_is_refused() -> None:
    """An order is placed at an instant, not at a wall-clock time of nowhere."""
    with pytest.raises(ValueError, match="needs a time zone"):
        policy_packs.pin(policy_packs.load("resale-v1"), placed_at=datetime(2026, 1, 1), countries=[])  # noqa: DTZ001 - refused


@laws
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - made aware
    st.lists(st.sampled_from(["US", "GB", "DE", "FR", "JP"]), max_size=4),
)
def test_pinned_policies_travel_unchanged_and_are_shared(placed_at: datetime, countries: list[str]) -> None:
    """A pinned policy survives the wire, and equal ones are one object in a process."""
    pack = policy_packs.load("resale-v1")

    policy = policy_packs.pin(pack, placed_at=placed_at, countries=countries)

    read_back = Policy.model_validate_json(policy.model_dump_json())
    assert policy == read_back
    assert policy is share(read_back)
    assert policy is policy_packs.pin(pack, placed_at=placed_at, countries=reversed(countries))


def test_lines_are_found_in_every_form_of_toml() -> None:
    """Headers, dotted and quoted keys, inline tables and values of many lines do not lose the count."""
    text = '''# "first"
a.b = """
[not.a.header]
x = 1 \\"""
"""
"c d".'e' = {f = [1, {g = 2}, "]"], h.i = "}"}   # {
[j]
k = [
  "#", # ]
  2,
]
[[l]]
m = 1979-05-27 07:32:00
'''

    assert {
        ("a",): 2,
        ("a", "b"): 2,
        ("c d",): 6,
        ("c d", "e"): 6,
        ("c d", "e", "f"): 6,
        ("c d", "e", "f", "g"): 6,
        ("c d", "e", "h"): 6,
        ("c d", "e", "h", "i"): 6,
        ("j",): 7,
        ("j", "k"): 8,
        ("l",): 12,
        ("l", "m"): 13,
    } == lines_of(text)
    tomllib.loads(text)


_KEYS = st.text(st.sampled_from("ab-_1"), min_size=1, max_size=3)
_VALUES = st.sampled_from(['"x"', "1", "[1,\n2]", '"""\n\n"""', "{}"])


@laws
@given(st.lists(st.tuples(_KEYS, _VALUES, st.integers(0, 3)), unique_by=lambda row: row[0]))
def test_every_key_is_found_on_its_line(rows: list[tuple[str, str, int]]) -> None:
    """Whatever stands between two keys, each is found where it was written."""
    text, expected = "", {}
    for key, value, blank in rows:
        text += "\n" * blank
        expected[(key,)] = text.count("\n") + 1
        text += f"{key} = {value}\n"

    tomllib.loads(text)
    assert expected == lines_of(text)
