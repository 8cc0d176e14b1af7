"""Evidence files go to Stripe in the form in which it takes them, and what does not is named."""

from __future__ import annotations

from io import BytesIO
from random import Random

import pytest
from PIL import Image
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.payments import PaymentActivities
from activities.ports import Unavailable
from activities.stripe.evidence_files import LARGEST_FILES, MOST_PAGES, documents
from domain.requests import LARGEST_TEXT, Submission
from tests.payments.conftest import Files, adapter
from tests.payments.fake_stripe import FakeStripe, Fault

PDF = b"%PDF-1.7 a bill"


def picture(side: int = 40, kind: str = "JPEG", *, noisy: bool = False) -> bytes:
    """A picture, of noise if it is to be large."""
    size = (side, side)
    image = Image.frombytes("RGB", size, Random(side).randbytes(3 * side * side)) if noisy else Image.new("RGB", size)
    out = BytesIO()
    image.save(out, kind)
    return out.getvalue()


def lines(*uris: str) -> str:
    """As a submission has them."""
    return "\n".join(f"{uri} {'0' * 64}" for uri in uris)


def test_several_pictures_of_one_kind_become_the_pages_of_one_pdf() -> None:
    """Stripe takes one file of each kind."""
    files = Files(a=picture(), b=picture(kind="PNG"))
    (made,), left_out = documents({"uncategorized_file": lines("a", "b")}, files)
    assert ("uncategorized_file", "uncategorized_file.pdf", []) == (made.name, made.filename, left_out)
    assert made.content.startswith(b"%PDF-")
    assert 2 == made.content.count(b"/Type /Page\n") or b"/Count 2" in made.content


def test_the_same_files_give_the_same_bytes() -> None:
    """A retry uploads what the first attempt did, so that its key fits."""
    files = Files(a=picture(), b=picture(50))
    asked = {"receipt": lines("a", "b")}
    assert documents(asked, files) == documents(asked, files)


def test_a_pdf_is_handed_in_as_it_is() -> None:
    """It is not touched; a second one of its kind goes to the file without a kind, a third has no place."""
    files = Files(a=PDF, b=PDF + b"2", c=PDF + b"3")
    made, left_out = documents({"receipt": lines("a", "b", "c")}, files)
    assert {"receipt": PDF, "uncategorized_file": PDF + b"2"} == {one.name: one.content for one in made}
    assert ["c"] == left_out


@pytest.mark.parametrize("content", [b"GIF89a", b"<svg/>", b"\xff\xd8\xff broken", b"", b"%PDF-" + b"x" * 3_000_000])
def test_what_the_bank_cannot_read_is_left_out_and_named(content: bytes) -> None:
    """Another type, a broken picture, an empty file or one too large, and a file that is gone."""
    made, left_out = documents({"receipt": lines("a", "gone")}, Files(a=content))
    assert ([], ["a", "gone"]) == (made, left_out)


def test_pictures_shrink_until_all_fit() -> None:
    """Photos of any size are handed in within 4.5 MB together."""
    files = Files(**{f"p{number}": picture(1_500 + number, noisy=True) for number in range(6)})
    made, left_out = documents(
        {"receipt": lines("p0", "p1", "p2"), "uncategorized_file": lines("p3", "p4", "p5")}, files
    )
    assert ({"receipt", "uncategorized_file"}, []) == ({one.name for one in made}, left_out)
    assert sum(len(one.content) for one in made) <= LARGEST_FILES


def test_no_pdf_has_more_pages_than_a_bank_reads() -> None:
    """Mastercard takes 19 pages: the first ones stay."""
    uris = [f"p{number}" for number in range(MOST_PAGES + 2)]
    files = Files(**{uri: picture() for uri in uris})
    _, left_out = documents({"receipt": lines(*uris)}, files)
    assert uris[MOST_PAGES:] == left_out


def test_a_store_that_does_not_answer_stops_the_submission(fake: FakeStripe) -> None:
    """Evidence is final: nothing is submitted without the files that will be there later."""

    class Down(Files):
        def read(self, uri: str, *, most: int) -> bytes | None:
            raise Unavailable("503")

    fake.open_dispute("pi_A", "dp_1")
    submission = Submission(order_id="A", payment_ref="pi_A", chargeback_id="dp_1", files={"receipt": lines("a")})
    with pytest.raises(Unavailable):
        adapter(fake.base, Down()).submit_evidence(submission)
    assert [] == fake.posts


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("after", [0, 1], ids=["at the file", "at the evidence"])
def test_evidence_is_submitted_once_whatever_befalls_the_requests(fake: FakeStripe, fault: Fault, after: int) -> None:
    """The first attempt fails at the upload or at the submission; the second one hands all of it in."""
    fake.open_dispute("pi_A", "dp_1")
    fake.faults, fake.only_after = [fault], after
    hand_in = PaymentActivities(adapter(fake.base, Files(a=PDF))).submit_evidence
    submission = Submission(order_id="A", payment_ref="pi_A", chargeback_id="dp_1", files={"receipt": lines("a")})
    with pytest.raises(ApplicationError) as failure:
        ActivityEnvironment().run(hand_in, submission)
    ActivityEnvironment().run(hand_in, submission)
    assert not failure.value.non_retryable
    assert 1 == fake.disputes["dp_1"]["evidence_details"]["submission_count"]
    assert PDF == fake.files[fake.disputes["dp_1"]["evidence"]["receipt"]]


def test_a_submission_says_what_is_not_attached(fake: FakeStripe) -> None:
    """The bank reads texts and files together, and which files there would have been."""
    fake.open_dispute("pi_A", "dp_1")
    text = "x" * LARGEST_TEXT
    files = {"receipt": lines("a"), "uncategorized_file": lines("film.mp4")}
    submission = Submission(
        order_id="A", payment_ref="pi_A", chargeback_id="dp_1", texts={"uncategorized_text": text}, files=files
    )
    adapter(fake.base, Files(a=PDF)).submit_evidence(submission)
    evidence = fake.disputes["dp_1"]["evidence"]
    assert PDF == fake.files[evidence["receipt"]]
    assert evidence["uncategorized_text"].endswith("Not attached, since of another type or too large: film.mp4")
    assert (LARGEST_TEXT, "uncategorized_file" in evidence) == (len(evidence["uncategorized_text"]), False)
