"""How the gateway reaches the service: its questions, answered in this process.

`service` makes one; the questions are those of `gateway.upstreams`.
"""

from contextlib import suppress
from typing import Literal
from urllib.parse import quote

import anyio.to_thread
from sqlalchemy import Connection

from soundstage.engines.interface import (
    Observed,
    Phase,
    RetryableError,
)
from soundstage.gateway.upstreams import (
    Became,
    Countdown,
    FileRules,
    How,
    Refusal,
    Refused,
    Share,
    ShareRefusedError,
    Shares,
    Transferred,
    Upstream,
)
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.session_shares import service as shares
from soundstage.resources.sessions.countdown import thresholds
from soundstage.resources.sessions.model import Rule, StreamingSession
from soundstage.resources.streams import service as streams
from soundstage.wire.faults import Fault, NotFoundError
from soundstage.wire.ticket import Ticket
from soundstage.wiring.choices import time_rules_of
from soundstage.wiring.parts import Parts
from soundstage.words import refusals
from soundstage.words.texts import Words

_S = StreamingSessionState
_HOW: dict[StreamingSessionState, How] = {
    _S.CREATE_IN_PROGRESS: "starting",
    _S.CREATE_FAILED: "failed",
    _S.START_IN_PROGRESS: "starting",
    _S.START_FAILED: "failed",
    _S.READY: "running",
    _S.STOP_IN_PROGRESS: "stopping",
    _S.STOPPED: "stopped",
    _S.STOP_FAILED: "failed",
    _S.DELETE_IN_PROGRESS: "removed",
    _S.DELETE_FAILED: "removed",
    _S.DELETED: "removed",
}


class InProcessUpstreams:
    """Answers the gateway's questions from the stream service in this process."""

    def __init__(self, service: Parts) -> None:
        self._service = service

    async def redeem(self, ticket: Ticket, address: str = "") -> Upstream:
        """Use a ticket up and learn the address."""
        return await anyio.to_thread.run_sync(self._redeem, ticket, address)

    async def find(self, stream_id: str) -> Upstream:
        """Learn the present address of an open stream."""
        return await anyio.to_thread.run_sync(self._find, stream_id)

    async def ended(self, stream_ids: set[str]) -> set[str]:
        """Say which of these must be cut."""
        return await anyio.to_thread.run_sync(self._ended, stream_ids)

    async def report_input(self, stream_ids: set[str]) -> None:
        """Note that somebody works on these streams."""
        await anyio.to_thread.run_sync(self._report_input, stream_ids)

    async def countdown(self, stream_id: str) -> Countdown | None:
        """Say what comes by itself."""
        return await anyio.to_thread.run_sync(self._countdown, stream_id)

    async def shares(self, stream_id: str) -> Shares | None:
        """List the links for looking on."""
        return await anyio.to_thread.run_sync(self._shares, stream_id)

    async def share(self, stream_id: str, minutes: int, viewers: int) -> Shares | None:
        """Make one more."""
        return await anyio.to_thread.run_sync(self._share, stream_id, minutes, viewers)

    async def end_share(self, stream_id: str, share_id: str) -> Shares | None:
        """End one."""
        return await anyio.to_thread.run_sync(self._end_share, stream_id, share_id)

    async def report_viewers(self, counts: dict[str, int]) -> None:
        """Note how many look on."""
        await anyio.to_thread.run_sync(self._report_viewers, counts)

    async def report_transfer(self, transferred: Transferred) -> None:
        """Note that a file went in or out."""
        await anyio.to_thread.run_sync(self._report_transfer, transferred)

    async def report_activity(self, stream_ids: set[str]) -> None:
        """Note that these streams carried bytes."""
        await anyio.to_thread.run_sync(self._report_activity, stream_ids)

    def _redeem(self, ticket: Ticket, address: str) -> Upstream:
        # The address first: a ticket is not used up while the desktop does not answer.
        upstream = self._find(ticket.stream_id)
        with self._service.database.transaction() as transaction:
            now = self._service.clock()
            if upstream.most_viewers is not None:
                if shares.enter(transaction, ticket.stream_id, now, address or None) is None:
                    raise Refused(Refusal.SHARE_ENDED)
                return upstream
            redeemed = streams.redeem(transaction, ticket.stream_id, now, address or None)
            became = self._became(transaction, ticket.stream_id)
        if redeemed.is_ended:
            raise Refused(Refusal.ENDED, became)
        if redeemed.is_used:
            raise Refused(Refusal.USED)
        return upstream

    def _find(self, stream_id: str) -> Upstream:
        with self._service.database.transaction(write=False) as transaction:
            stream = streams.find_open(transaction, stream_id)
            rules = None if stream is None else streams.transfer_rules(transaction, stream)
            share = None
            if stream is None:
                share = shares.find_open(transaction, stream_id, self._service.clock())
                was_share = share is not None or shares.is_share(transaction, stream_id)
            seen = stream or share
            ref = "" if seen is None else streams.workstation(transaction, seen.session_id)
            became = self._became(transaction, stream_id) if seen is None else None
        if seen is None:
            raise Refused(Refusal.SHARE_ENDED if was_share else Refusal.ENDED, became)
        observed = self._observe(ref)
        if observed.phase is not Phase.RUNNING or observed.address is None:
            raise Refused(Refusal.UNAVAILABLE)
        address = observed.address
        files = None
        if rules is not None and address.files is not None:
            upload_to, download_from = rules
            files = FileRules(name=address.files, upload_to=upload_to, download_from=download_from)
        return Upstream(
            stream_id=stream_id,
            place=address.place,
            name=address.name,
            files=files,
            most_viewers=None if share is None else share.max_viewers,
        )

    def _became(self, transaction: Connection, stream_id: str) -> Became | None:
        """Say what became of the workstation behind a stream; None where that is not known."""
        session = streams.session_behind(transaction, stream_id)
        if session is None:
            return None
        by = rule = None
        if session.state in {_S.STOP_IN_PROGRESS, _S.STOPPED}:
            by, rule = session.stopped_by, session.stopped_by_rule
        elif session.state is _S.DELETE_IN_PROGRESS:
            by = session.updated_by
        is_told = by == SERVICE_PRINCIPAL or _HOW[session.state] == "failed"
        studio = quote(session.studio_id, safe="")
        return Became(
            how=_HOW[session.state],
            by=None if by is None else _whose(by, session),
            rule=rule or "",
            told=session.status_message if is_told else "",
            path=f"/workstations/{studio}/{session.id}",
        )

    def _observe(self, ref: str) -> Observed:
        try:
            return self._service.engine.observe(ref)
        except RetryableError:
            raise Refused(Refusal.UNAVAILABLE) from None

    def _ended(self, stream_ids: set[str]) -> set[str]:
        with self._service.database.transaction(write=False) as transaction:
            over = streams.ended(transaction, stream_ids)
            return over - shares.living(transaction, over, self._service.clock())

    def _shares(self, stream_id: str) -> Shares | None:
        with self._service.database.transaction(write=False) as transaction:
            session = streams.shared_session(transaction, stream_id)
            return None if session is None else self._shown(transaction, session)

    def _share(self, stream_id: str, minutes: int, viewers: int) -> Shares | None:
        with self._service.database.transaction() as transaction:
            session = streams.shared_session(transaction, stream_id)
            if session is None:
                return None
            try:
                shares.make(
                    transaction,
                    session,
                    self._service.clock(),
                    by=session.owned_by,
                    minutes=minutes,
                    viewers=viewers,
                )
            except Fault as fault:
                told = refusals.said(Words(), fault.code, fault.context)
                raise ShareRefusedError(told or fault.message) from None
            return self._shown(transaction, session)

    def _end_share(self, stream_id: str, share_id: str) -> Shares | None:
        with self._service.database.transaction() as transaction:
            session = streams.shared_session(transaction, stream_id)
            if session is None:
                return None
            with suppress(NotFoundError):
                now = self._service.clock()
                shares.end(transaction, session.id, share_id, now, by=session.owned_by)
            return self._shown(transaction, session)

    def _shown(self, transaction: Connection, session: StreamingSession) -> Shares | None:
        bounds, now = shares.bounds_of(session), self._service.clock()
        if bounds is None:
            return None
        address = self._service.installation.address
        return Shares(
            shares=[
                Share(
                    id=each.id,
                    url=shares.url_of(self._service.tickets, address, each),
                    seconds_left=(each.ends_at - now).total_seconds(),
                    viewers=each.viewers_now(now),
                    max_viewers=each.max_viewers,
                )
                for each in shares.open_of(transaction, session.id, now)
            ],
            max_minutes=bounds.minutes,
            max_viewers=bounds.viewers,
        )

    def _report_viewers(self, counts: dict[str, int]) -> None:
        with self._service.database.transaction(note=True) as transaction:
            shares.note_viewers(transaction, counts, self._service.clock())

    def _report_input(self, stream_ids: set[str]) -> None:
        with self._service.database.transaction() as transaction:
            streams.note_input(transaction, stream_ids, self._service.clock())

    def _countdown(self, stream_id: str) -> Countdown | None:
        with self._service.database.transaction(write=False) as transaction:
            coming = streams.next_action(transaction, stream_id)
        if coming is None:
            return None
        warn_before = thresholds(coming, time_rules_of(self._service.settings))
        return Countdown(
            action=coming.action,
            seconds_left=(coming.at - self._service.clock()).total_seconds(),
            rule=coming.rule,
            allowed_seconds=coming.allowed.total_seconds(),
            idle_since=coming.at - coming.allowed if coming.rule is Rule.IDLE else None,
            idle_by=coming.active_by,
            host=coming.host,
            host_reason=coming.host_reason,
            goes_on=coming.goes_on,
            warn_before=[int(each.total_seconds()) for each in warn_before],
        )

    def _report_transfer(self, transferred: Transferred) -> None:
        with self._service.database.transaction() as transaction:
            streams.note_transfer(
                transaction,
                transferred.stream_id,
                is_upload=transferred.is_upload,
                name=transferred.name,
                size=transferred.size,
                now=self._service.clock(),
            )

    def _report_activity(self, stream_ids: set[str]) -> None:
        with self._service.database.transaction() as transaction:
            streams.note_activity(transaction, stream_ids, self._service.clock())


def _whose(principal_id: str, session: StreamingSession) -> Literal["owner", "service", "other"]:
    if principal_id == SERVICE_PRINCIPAL:
        return "service"
    return "owner" if principal_id == session.owned_by else "other"
