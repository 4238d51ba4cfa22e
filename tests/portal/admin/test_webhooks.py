"""Webhooks by forms: made, changed, switched, and what waits for them."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from soundstage.resources.webhooks import store
from soundstage.resources.webhooks.model import Delivery, DeliveryState
from soundstage.testing.visitor import Form

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

URL = "https://hooks.example.org/s3cret"


def made(office: "Office", **fields: str) -> dict[str, Any]:
    """Make one by its form, and give it as the API shows it."""
    answer = office.send("webhooks/new", url=URL, **fields)
    assert answer.status_code == 200, answer.text
    link = answer.text.partition('class="button primary" href="')[2].partition('"')[0]
    return now(office, {"webhookId": link.rpartition("/")[2]})


def now(office: "Office", webhook: dict[str, Any]) -> dict[str, Any]:
    names = {"studioId": office.studio.id, "webhookId": webhook["webhookId"]}
    return dict(office.world.operator.call("GetWebhook", **names)["webhook"])


def deliveries(office: "Office", webhook: dict[str, Any]) -> None:
    """Leave one event on its way to it, and one given up."""
    at = office.world.clock()
    told = ((DeliveryState.PENDING, 0, ""), (DeliveryState.DEAD, 9, "It answered 500."))
    with office.world.service.database.transaction() as transaction:
        for number, (state, attempts, message) in enumerate(told, start=1):
            delivery = Delivery(
                id=f"delivery-{number}",
                webhook_id=webhook["webhookId"],
                sequence=number,
                state=state,
                attempts=attempts,
                status_message=message,
                created_at=at,
                updated_at=at,
            )
            store.deliveries.insert(transaction, delivery, due_at=at + timedelta(days=1))


def test_its_secret_is_shown_once(office: "Office") -> None:
    answer = office.send("webhooks/new", url=URL, **{"types=sessions.*": "on"})
    assert "<code>whsec_" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    link = answer.text.partition('class="button primary" href="')[2].partition('"')[0]
    page = office.operator.get(link).text
    assert "whsec_" not in page
    assert "hooks.example.org" in page
    listed = office.see("webhooks").text
    assert "s3cret" not in listed
    assert "Workstations" in listed
    assert "s3cret" not in office.see("events").text


def test_kinds_are_ticked_and_typed(office: "Office") -> None:
    typed = {"types:single": "calls.REFUSED\r\nbackups.READY\r\n"}
    webhook = made(office, **{"types=sessions.*": "on", **typed})
    assert webhook["types"] == ["sessions.*", "calls.REFUSED", "backups.READY"]
    where = f"webhooks/{webhook['webhookId']}"
    (fields,) = [
        each for at, each in Form(office.see(where).text).found if at == f"{office.path}/{where}"
    ]
    assert fields["types:single"] == "calls.REFUSED\nbackups.READY"
    assert fields["types=sessions.*"] == "on"
    before = now(office, webhook)
    assert office.send(where).headers["Location"] == f"{office.path}/{where}"
    assert now(office, webhook) == before
    del fields["types=sessions.*"]
    office.operator.post(f"{office.path}/{where}", fields | {"types:single": ""})
    assert now(office, webhook)["types"] == []
    assert now(office, webhook)["url"] == URL


def test_what_the_api_refuses_stands_beside_its_field(office: "Office") -> None:
    page = office.see("webhooks/new").text
    assert 'maxlength="2048"' in page
    for fields, said in (
        ({"url": "ftp://x"}, "Address: "),
        ({"url": URL, "types:single": "no kind"}, "Kinds of events: "),
    ):
        answer = office.send("webhooks/new", **fields)
        assert answer.status_code == 400
        assert said in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert f'value="{fields["url"]}"' in answer.text


def test_it_is_switched_off_and_on_and_deleted(office: "Office") -> None:
    webhook = made(office)
    where = f"webhooks/{webhook['webhookId']}"
    for state, said in (("DISABLED", "It is switched off"), ("ENABLED", "It is switched on")):
        assert office.send(where, f"{where}/switch").status_code == 303
        assert now(office, webhook)["state"] == state
        assert said in office.see(where).text
    asked = office.see(f"{where}/delete").text
    assert "What is on its way to it or was given up is forgotten" in asked
    assert office.send(f"{where}/delete").headers["Location"] == f"{office.path}/webhooks"
    assert office.see(where).status_code == 404
    page = office.see("events?kind=webhooks.DELETED").text
    assert "Webhook deleted" in page
    assert f"{office.path}/{where}" not in page


def test_who_takes_nothing_is_seen_without_being_looked_for(office: "Office") -> None:
    webhook = made(office)
    assert "Something needs you" not in office.see("sessions").text
    at = office.world.clock()
    with office.world.service.database.transaction() as transaction:
        tried = Delivery(
            id="delivery",
            webhook_id=webhook["webhookId"],
            sequence=1,
            state=DeliveryState.PENDING,
            attempts=3,
            status_message="It answered 500.",
            created_at=at,
            updated_at=at,
        )
        store.deliveries.insert(transaction, tried, due_at=at + timedelta(days=1))
    assert "Something needs you" in office.see("sessions").text
    where = f"webhooks/{webhook['webhookId']}"
    health = office.see("health", office.ben).text
    assert f"{office.path}/{where}" in health
    assert "s3cret" not in health
    listed = office.see("webhooks").text
    assert "Deliveries fail" in listed
    assert "1 event was tried in vain, and is tried again." in listed
    assert '<p lang="en">It answered 500.</p>' in listed
    page = office.see(where).text
    assert "Tried in vain" in page
    assert "Tried again at" in page
    assert office.send(where, f"{where}/redeliver").status_code == 303
    assert now(office, webhook)["failing"] == 0


def test_what_waits_is_shown_and_sent_again(office: "Office") -> None:
    webhook = made(office)
    where = f"webhooks/{webhook['webhookId']}"
    assert "Nothing is on its way, and nothing was given up." in office.see(where).text
    deliveries(office, webhook)
    page = office.see(where, office.ben).text
    assert "1 event was given up." in page
    assert "1 event is on its way." in page
    assert "Tried 9 times" in page
    assert "It answered 500." in page
    assert "1 event was given up." in office.see("webhooks").text
    answer = office.send(where, f"{where}/redeliver")
    assert answer.headers["Location"] == f"{office.path}/{where}"
    assert now(office, webhook)["dead"] == 0
    assert "Send again" not in office.see(where).text
