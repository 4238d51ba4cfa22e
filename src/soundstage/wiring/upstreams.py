"""How the gateway reaches the service: its questions, answered in this process.

`service` makes one; the questions are those of `gateway.upstreams`.
"""

import anyio.to_thread

from soundstage.engines.interface import (
    Observed,
    Phase,
    RetryableError,
)
from soundstage.gateway.upstreams import (
    Countdown,
    FileRules,
    Refusal,
    Refused,
    Transferred,
    Upstream,
)
from soundstage.resources.sessions.countdown import Rule, thresholds
from soundstage.resources.streams import service as streams
from soundstage.wire.ticket import Ticket
from soundstage.wiring.choices import time_rules_of
from soundstage.wiring.parts import Parts


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
            redeemed = streams.redeem(transaction, ticket.stream_id, now, address or None)
        if redeemed.is_ended:
            raise Refused(Refusal.ENDED)
        if redeemed.is_used:
            raise Refused(Refusal.USED)
        return upstream

    def _find(self, stream_id: str) -> Upstream:
        with self._service.database.transaction(write=False) as transaction:
            stream = streams.find_open(transaction, stream_id)
            rules = None if stream is None else streams.transfer_rules(transaction, stream)
            ref = "" if stream is None else streams.workstation(transaction, stream)
        if stream is None:
            raise Refused(Refusal.ENDED)
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
        )

    def _observe(self, ref: str) -> Observed:
        try:
            return self._service.engine.observe(ref)
        except RetryableError:
            raise Refused(Refusal.UNAVAILABLE) from None

    def _ended(self, stream_ids: set[str]) -> set[str]:
        with self._service.database.transaction(write=False) as transaction:
            return streams.ended(transaction, stream_ids)

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
