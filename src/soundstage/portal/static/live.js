// Keeps a page up to date: when the service says that something changed, reads the page anew and
// puts in what is different. The server alone decides what is shown; forms and links stay what they are.

import { localize } from "./moments.js";

const live = document.getElementById("live");
const lost = document.getElementById("lost");
const LOST_AFTER = 10_000;
const ANYWAY = 60_000;
const PICTURES = 15_000;

let pulse = live.dataset.pulse;
let reading = null;
let silence = 0;
let readAt = performance.now();
let coming = 0;

/** Put the server's present page in place of what is shown, part by part. */
async function refresh() {
  if (reading) {
    reading.again = true;
    return;
  }
  reading = { again: false };
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected || (!answer.ok && answer.status !== 410)) {
      location.reload();
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = fresh.getElementById("live");
    if (!next) {
      location.reload();
      return;
    }
    document.title = fresh.title;
    pulse = next.dataset.pulse;
    localize(next);
    exchange(live, next);
    tell("");
  } catch {
    tell(lost.dataset.lost);
  } finally {
    const again = reading.again;
    reading = null;
    readAt = performance.now();
    if (again) refresh();
  }
}

/** Exchange what differs; what the reader has in hand, a focus or an open choice, is kept. */
function exchange(old, next) {
  const focused = document.activeElement?.id;
  const open = [...old.querySelectorAll("details[open]")].map((each) => each.id);
  const chosen = [...old.querySelectorAll("select")].map((each) => [each.id, each.value]);
  const before = new Map([...old.querySelectorAll("[data-key]")].map((each) => [each.dataset.key, each]));
  for (const part of next.querySelectorAll("[data-key]")) {
    // One that stands within a part that was kept is there already, and must not be moved out of it.
    if (!next.contains(part)) continue;
    const known = before.get(part.dataset.key);
    // A form's token for launching is another one each time, and means nothing to the reader.
    if (known && same(known, part)) {
      const left = part.querySelectorAll(".left");
      known.querySelectorAll(".left").forEach((each, number) => (each.textContent = left[number].textContent));
      part.replaceWith(known);
    }
  }
  old.replaceChildren(...next.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, value] of chosen) {
    const select = document.getElementById(id);
    if (select && [...select.options].some((each) => each.value === value)) select.value = value;
  }
  if (focused && document.activeElement?.id !== focused) {
    (document.getElementById(focused) ?? document.getElementById("content")).focus({ preventScroll: true });
  }
}

function same(one, other) {
  const plain = (element) => {
    const copy = element.cloneNode(true);
    for (const each of copy.querySelectorAll("[name=clientToken]")) each.remove();
    for (const each of copy.querySelectorAll("details")) each.removeAttribute("open");
    for (const each of copy.querySelectorAll(".left")) each.textContent = "";
    for (const each of copy.querySelectorAll("img.picture")) each.removeAttribute("src");
    return copy.innerHTML;
  };
  return plain(one) === plain(other);
}

/** Take pictures of desktops anew while somebody looks; each is put in once it is there whole. */
async function repaint() {
  if (document.hidden) return;
  for (const shown of live.querySelectorAll("img.picture")) {
    const next = new Image();
    next.src = `${shown.src.split("?")[0]}?at=${Date.now()}`;
    try {
      await next.decode();
    } catch {
      continue;
    }
    shown.src = next.src;
  }
}

function tell(words) {
  lost.hidden = !words;
  if (lost.textContent !== words) lost.textContent = words;
}

/** Read anew; where much happens that is not the reader's own, not more often than the page says. */
function soon() {
  const pause = Number(live.dataset.pause) - (performance.now() - readAt);
  clearTimeout(coming);
  coming = setTimeout(refresh, Math.max(0, pause));
}

function listen() {
  const events = new EventSource(`${live.dataset.events}&seen=${encodeURIComponent(pulse)}`);
  events.addEventListener("open", () => {
    clearTimeout(silence);
    silence = 0;
    if (lost.textContent === lost.dataset.lost) refresh();
  });
  events.addEventListener("changed", (event) => {
    if (event.data !== pulse) soon();
  });
  events.addEventListener("ended", () => {
    events.close();
    tell(lost.dataset.ended);
  });
  events.addEventListener("full", () => events.close());
  events.addEventListener("error", () => {
    silence ||= setTimeout(() => tell(lost.dataset.lost), LOST_AFTER);
    if (events.readyState === EventSource.CLOSED) {
      // Refused: the page itself will say why, or lead to the sign-in.
      refresh();
      setTimeout(listen, LOST_AFTER);
    }
  });
  addEventListener("pagehide", () => events.close(), { once: true });
}

// A page that comes back out of the browser's memory is an old one.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(repaint, PICTURES);
// What others do, such as taking places, is no change of this reader's own things.
setInterval(() => {
  if (!document.hidden) refresh();
}, ANYWAY);

listen();
