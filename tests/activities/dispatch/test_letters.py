"""Letters in both languages: complete, as their reader is used to, and with nothing alive that people wrote."""

from __future__ import annotations

import html as escaping
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.dispatch.letters import letter
from activities.dispatch.localised import harmless, instant, locale_of, money
from domain import wording
from domain.money import Money
from domain.parties import Role
from storefront.notice_texts import page
from tests.activities.dispatch.scene import news
from tests.docs.test_links import ROOT

AT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "zone", "expected"),
    [
        ("en-US", "America/Los_Angeles", "July 1, 2026, 3:30 PM PDT"),
        ("en-GB", "Europe/London", "1 July 2026, 23:30 BST"),
        ("en", "Asia/Kathmandu", "July 2, 2026, 4:15 AM UTC+5:45"),
        ("zh-CN", "Asia/Shanghai", "2026年7月2日 06:30 UTC+8"),
        ("zh-Hant-TW", "America/New_York", "2026年7月1日 下午6:30 EDT"),
        ("fr-FR", "Europe/Paris", "July 2, 2026, 12:30 AM UTC+2"),
        ("../etc", "UTC", "July 1, 2026, 10:30 PM UTC"),
    ],
)
def test_a_date_is_where_its_reader_lives(locale: str, zone: str, expected: str) -> None:
    """In the form of the locale that goes with the text, with the name of the time or how far it is from UTC."""
    assert expected == instant(AT, locale_of(locale), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("locale", "amount", "expected"),
    [
        ("en-US", "USD 1,290.00", "$1,290.00"),
        ("en-GB", "USD 1,290.00", "US$1,290.00"),
        ("zh-CN", "CNY 15.50", "¥15.50"),
        ("zh-CN", "JPY 1,500", "JP¥1,500"),
        ("en-US", "KWD 1.005", "KWD 1.005"),
        ("en-US", "USD -3.00", "-$3.00"),
    ],
)
def test_money_is_in_the_readers_format(locale: str, amount: str, expected: str) -> None:
    """Exactly the amount, to its minor unit."""
    assert expected == money(Money.parse(amount), locale_of(locale)).replace("\xa0", " ")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD", "CNY", "EUR"]))
def test_no_cent_is_lost(minor: int, currency: str) -> None:
    """The digits of an amount are those of its minor units."""
    told = money(Money(minor=minor, currency=currency), Locale("en", "US"))

    assert str(abs(minor)) == re.sub(r"\D", "", told).lstrip("0") or minor == 0


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("kind", wording.codes("titles"))
def test_every_notice_makes_a_letter(kind: str, locale: str) -> None:
    """Each kind has its subject, text and HTML, in one language; a fact that is missing shows as a question mark."""
    content = letter([news(kind=kind, locale=locale, time_zone="Asia/Shanghai")])

    assert wording.notice(news(kind=kind, locale=locale)) in content.text
    assert wording.notice(news(kind=kind, locale=locale)) in escaping.unescape(content.html)
    assert locale == content.language
    assert f'lang="{locale}"' in content.html


def test_nothing_is_an_amount_too() -> None:
    """A refund of nothing is told in the reader's format like any other."""
    content = letter([news(kind="resolved", facts={"remedy": "release", "amount": "USD 0.00", "rule": "p/x"})])

    assert "refund $0.00" in content.text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("https://evil.example/pay", "[https://]evil[.]example/pay"),
        ("HTTP://EVIL.EXAMPLE", "[HTTP://]EVIL[.]EXAMPLE"),
        ("www.evil.com", "www[.]evil[.]com"),
        ("write to me@evil.com", "write to me[@]evil[.]com"),
        ("javascript:alert(1)", "[javascript:]alert(1)"),
        ("mailto:x", "[mailto:]x"),
        ("例子.中国", "例子[.]中国"),
        ("It broke. The box was fine.", "It broke. The box was fine."),
        ("USD 12.50, 3.5 kg", "USD 12.50, 3.5 kg"),
        ("a\r\nBcc: b\x00\u202ec", "a Bcc: b c"),
    ],
)
def test_no_words_are_a_link(words: str, expected: str) -> None:
    """What a mail program would make a link of is visibly broken; what people simply write stays."""
    assert expected == harmless(words)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["marked_shipped", "resolved", "message", "frozen", "refused_item"]))
def test_whatever_people_write_is_only_text(words: str, kind: str) -> None:
    """No tag, no link, no line of its own: the letter has the same structure whatever is in its facts and its name."""
    facts = dict.fromkeys(("shipment", "remedy", "by", "channel", "chargeback", "text", "amount", "rule", "due"), words)
    facts["rule"] = "resale-v1/support.decide"

    content = letter([news(kind=kind, facts=facts)], words)

    plain = letter([news(kind=kind, facts=dict.fromkeys(facts, "word"))], "word" if words.strip() else "")
    assert _tags(plain.html) == _tags(content.html)
    assert "href" not in _tags(content.html)
    assert content.subject.isprintable()
    assert not re.search(r"\w+://|[^\[]@", content.text)


def _tags(html: str) -> str:
    return "".join(re.findall(r"<[^>]*>", html))


@pytest.mark.parametrize(
    "attack", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><a href="https://evil.example">pay</a>']
)
def test_html_is_escaped(attack: str) -> None:
    """A name and a fact are text in HTML too; the plain text is not escaped."""
    content = letter([news(kind="marked_shipped", facts={"shipment": attack})], attack)

    assert not re.search(r"<(script|img|a)\b", content.html)
    assert "&lt;" in content.html
    assert "&lt;" not in content.text


def test_the_reason_why_one_gets_it_is_said() -> None:
    """A letter says to whom it is, about what, in which time, and that nobody reads answers."""
    content = letter([news(time_zone="Asia/Tokyo", to=Role.BUYER)], "Ada")

    assert "Hello Ada," in content.text
    assert "All times: Japan Time (Asia/Tokyo)." in content.text
    assert "You receive this as buyer" in content.text


def test_the_page_of_all_texts_is_fresh() -> None:
    """`docs/notices.md` says what the catalogues say; after a change of a text, run `make notices`."""
    assert page() == (ROOT / "docs" / "notices.md").read_text(encoding="utf-8")
