"""The journal: what happened in an order or case, and who is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from temporalio import workflow

from activities.notices import NoticeActivities
from domain import wording
from domain.courtesy import Manner
from domain.duties import Duty, DutyKind, Owed
from domain.messages import Disruption, Reply
from domain.parties import Party, Role
from domain.requests import Posting
from domain.story import JournalState, Notice, StoryEntry, Told
from workflows.options import KEEP, described


class Journal:
    """The story of one subject. A long story keeps its beginning and its newest part.

    `limit` bounds the entries kept; `noted` is called after each, so that a waiting docket can tell of it.
    Notices go to the outbox with the next `post`, each once for its key, and with them what is `owed` by then, so that
    none is sent that has become moot, and the `manner` in which the policy has them delivered.
    """

    def __init__(
        self,
        subject: str,
        parties: dict[Role, Party],
        *,
        limit: int,
        now: Callable[[], datetime],
        noted: Callable[[], None],
        owed: Callable[[], tuple[Owed, ...]],
        manner: Manner,
    ) -> None:
        self._subject = subject
        self._owed = owed
        self._manner = manner
        self._noted = noted
        self._now = now
        self._parties = parties
        self._limit = limit
        self._story: list[StoryEntry] = []
        self._unsent: list[Notice] = []
        self._under_way: dict[workflow.ActivityHandle[None], tuple[Notice, ...]] = {}
        self._told: Counter[tuple[str, Role]] = Counter()
        self.rejected = 0
        self.reminders = 0

    @property
    def story(self) -> tuple[StoryEntry, ...]:
        """What happened so far, oldest first."""
        return tuple(self._story)

    def note(self, what: str, *told: Role, **facts: object) -> None:
        """Something happened; `told` are the parties who get a notice of it. Instants are shown in UTC."""
        now = self._now()
        texts = {name: wording.fact(value) for name, value in facts.items()}
        self._story.append(StoryEntry(at=now, what=what, facts=texts))
        if len(self._story) > self._limit:
            del self._story[self._limit // 2]
        for role in told:
            # Counted by kind and reader: when a task is repeated with one message more, what was posted
            # before keeps its key, and nobody is told twice.
            self._told[what, role] += 1
            party = self._parties.get(role)
            self._unsent.append(
                Notice(
                    key=f"{self._subject}-{what}-{role}-{self._told[what, role]}",
                    subject=self._subject,
                    to=role,
                    party_id=party.id if party else role.value,
                    kind=what,
                    at=now,
                    locale=party.locale if party else "en",
                    time_zone=party.time_zone if party else "UTC",
                    facts=texts,
                )
            )
        self._noted()

    def remind(self, duty: Duty, *also: Role) -> None:
        """The owner of a duty, and `also` others, are told what is owed, by when, and what silence means."""
        self.reminders += 1
        self.note(
            "reminded",
            duty.owner,
            *also,
            owner=duty.owner,
            action=duty.kind,
            due=duty.due,
            consequence=duty.on_silence,
        )

    def answer(self, message: str, by: Role, reply: Reply) -> Reply:
        """A refusal is kept in the story and told to its sender, so that nothing vanishes silently."""
        if reply.refused:
            self.rejected += 1
            workflow.logger.info("message refused", extra={"refused": message, "by": by, "rule": reply.rule})
            kept = wording.refusal(reply.code, reply.facts, reply.rule, reply.instant)
            self.note("refused", by, message=message, by=by, **kept)
        return reply

    def disrupted(self, disruption: Disruption, moved: Sequence[DutyKind]) -> None:
        """A disruption has moved clocks, or named none that is open now or known at all."""
        unknown = sorted(set(disruption.clocks) - set(DutyKind))
        if unknown:
            reply = Reply.no("clocks_unknown", "disruptions", words=unknown, codes=tuple(DutyKind))
            self.answer("disruption", Role.PLATFORM, reply)
        elif not disruption.clocks:
            reply = Reply.no("clocks_missing", "disruptions", codes=tuple(DutyKind))
            self.answer("disruption", Role.PLATFORM, reply)
        told = (Role.BUYER, Role.SELLER) if moved else ()
        what = "disruption_ended" if disruption.revoked else "disrupted"
        self.note(what, *told, disruption=disruption.disruption_id, clocks=moved or ("none",))

    def snapshot(self) -> JournalState:
        """All that another run needs to go on.

        What is under way counts as unsent, so that nobody has to wait for it: posted twice, it is kept once.
        """
        under_way = (notice for notices in self._under_way.values() for notice in notices)
        return JournalState(
            story=self.story,
            unsent=(*under_way, *self._unsent),
            told=tuple(Told(what=what, role=role, times=times) for (what, role), times in self._told.items()),
            rejected=self.rejected,
            reminders=self.reminders,
        )

    def restore(self, state: JournalState) -> None:
        """Go on where another run stopped; counting on, no notice gets a key that was used before."""
        self._story = list(state.story)
        self._unsent = list(state.unsent)
        self._told = Counter({(told.what, told.role): told.times for told in state.told})
        self.rejected = state.rejected
        self.reminders = state.reminders

    def post(self) -> None:
        """Have the notices of what happened put into the outbox, without waiting for it.

        What a workflow does must not depend on when a local activity has ended: a query that is answered meanwhile
        may complete the workflow task first, and a replay then sees the end earlier than it came (temporalio 1.35).
        """
        if not self._unsent:
            return
        posting = Posting(
            notices=tuple(self._unsent), number=self._told.total(), owed=self._owed(), manner=self._manner
        )
        self._unsent.clear()
        kinds = ", ".join(dict.fromkeys(notice.kind for notice in posting.notices))
        handle = workflow.start_local_activity_method(
            NoticeActivities.post, posting, **described(KEEP, f"Tell the parties: {kinds}")
        )
        self._under_way[handle] = posting.notices
        # What is done is let go: an order sleeps for weeks, and its notices would be held all the while.
        handle.add_done_callback(self._under_way.pop)

    async def posted(self) -> None:
        """Wait until every notice is in the outbox; needed before the workflow ends, which would leave it unsaid."""
        for handle in tuple(self._under_way):
            await handle
