/* Letting others look on, from the bar: links are made and ended here, and it is always to be seen how
 * many look. Where the launch profile allows none, nothing of it is shown.
 */
"use strict";

(() => {
  const say = (key, values) => window.soundstage.say(`share.${key}`, values);
  const { make, button } = window.soundstage.maker("share");
  const OFTEN = 4;
  const RARELY = 15;
  const LENGTHS = [15, 30, 60, 120, 240, 480, 1440];

  const part = make("div", "part");
  const about = make("p", "about", say("about"));
  const form = make("div", "form");
  const list = make("ul", "list");
  const said = make("p", "said");
  said.setAttribute("role", "status");
  const minutes = choice(say("length"), say("length_named"));
  const viewers = choice(say("most"), say("most_named"));
  const begin = button("button", say("make"), () => change("POST", "api/shares", {
    minutes: Number(minutes.value),
    viewers: Number(viewers.value),
  }, say("made")));
  form.append(minutes.parentElement, viewers.parentElement, begin);
  part.append(about, form, list, said);
  const open = window.soundstage.bar.hold(say("title"), part, ask);
  open.hidden = true;

  const rows = new Map();
  let timer = null;

  function choice(text, name) {
    const label = make("label", "label", text);
    const select = make("select", "choice");
    select.setAttribute("aria-label", name);
    label.append(select);
    return select;
  }

  function offer(select, values, words) {
    if (select.options.length === 0) {
      select.append(...values.map((value) => new Option(words(value), value)));
    }
  }

  function length(value) {
    return value < 60 ? `${value} min` : `${+(value / 60).toFixed(1)} h`;
  }

  function show(told) {
    const lengths = LENGTHS.filter((each) => each < told.maxMinutes);
    offer(minutes, [...lengths, told.maxMinutes], length);
    offer(viewers, Array.from({ length: told.maxViewers }, (_, i) => i + 1), (number) => say(number === 1 ? "person" : "people", { number }));
    for (const [id, row] of rows) {
      if (!told.shares.some((each) => each.id === id)) {
        row.remove();
        rows.delete(id);
      }
    }
    for (const share of told.shares) {
      if (!rows.has(share.id)) {
        rows.set(share.id, newRow(share));
        list.append(rows.get(share.id));
      }
      const left = Math.max(1, Math.round(share.secondsLeft / 60));
      rows.get(share.id).querySelector(".soundstage-share-state").textContent =
        say("state", { number: share.viewers, most: share.maxViewers, left });
    }
    const looking = told.shares.reduce((sum, each) => sum + each.viewers, 0);
    window.soundstage.bar.note(looking === 0 ? "" : say(looking === 1 ? "looks_on" : "look_on", { number: looking }));
    open.hidden = false;
  }

  function newRow(share) {
    const row = make("li", "row");
    const link = make("input", "link");
    link.readOnly = true;
    link.value = share.url;
    link.setAttribute("aria-label", say("link"));
    link.addEventListener("focus", () => link.select());
    const copy = button("button", say("copy"), async () => {
      try {
        await navigator.clipboard.writeText(share.url);
        said.textContent = say("copied");
      } catch {
        link.focus();
        said.textContent = say("marked");
      }
    });
    const end = button("button", say("end"), () => change(
      "DELETE", `api/shares/${encodeURIComponent(share.id)}`, null, say("ended"),
    ));
    row.append(link, copy, end, make("span", "state"));
    return row;
  }

  async function request(method, path, body) {
    const answer = await fetch(path, {
      method,
      body: body && JSON.stringify(body),
      cache: "no-store",
      headers: body ? { "Content-Type": "application/json" } : {},
    });
    return [answer.ok, answer.status, await answer.json()];
  }

  async function change(method, path, body, done) {
    try {
      const [isOk, , told] = await request(method, path, body);
      said.textContent = isOk ? done : told.message;
      if (isOk) {
        show(told);
      }
    } catch {
      said.textContent = say("down");
    }
  }

  async function ask() {
    clearTimeout(timer);
    try {
      const [isOk, status, told] = await request("GET", "api/shares");
      if (isOk) {
        show(told);
      } else if (status === 403) {
        return;
      }
    } catch {
      /* The gateway is away; it is asked again. */
    }
    timer = setTimeout(ask, (window.soundstage.bar.isShown() ? OFTEN : RARELY) * 1000);
  }

  /* A second display is a window of a page that has all of this. */
  if (!window.location.hash.startsWith("#display2")) {
    window.addEventListener("DOMContentLoaded", ask);
  }
})();
