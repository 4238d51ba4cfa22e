/* Shows on a stream's page what its workstation will do by itself, some minutes before it does.
 *
 * The gateway says what comes and in how many seconds; the clock of this browser only counts on
 * from there. Who closes the note sees it again at the next threshold.
 */
"use strict";

(() => {
  const say = (key, values) => window.soundstage.say(`countdown.${key}`, values);
  const RARELY = 30;
  const OFTEN = 5;
  const PATIENCE = 8000;
  const HEARD = "soundstage.countdown";

  const note = document.createElement("section");
  note.className = "soundstage-countdown";
  note.hidden = true;
  const title = document.createElement("p");
  title.className = "soundstage-countdown-title";
  const what = document.createElement("span");
  const clock = document.createElement("span");
  clock.className = "soundstage-countdown-clock";
  const why = document.createElement("p");
  why.className = "soundstage-countdown-why";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = say("close");
  close.className = "soundstage-countdown-close";
  /* What is read aloud changes at thresholds, not every second. */
  const said = document.createElement("p");
  said.className = "soundstage-countdown-said";
  title.setAttribute("aria-hidden", "true");
  why.setAttribute("aria-hidden", "true");
  title.append(what, clock);
  note.append(title, why, close, said);

  let coming = null;
  let endsAt = 0;
  let shownAt = null;

  let before = null;

  function leave() {
    sessionStorage.setItem(HEARD, JSON.stringify({ end: end(), before: threshold() }));
    const isWithin = note.contains(document.activeElement);
    show();
    if (isWithin) {
      document.activeElement.blur();
      before?.focus();
    }
  }

  /* The keyboard stays with the desktop, unless somebody goes to the note by it. */
  close.title = `${say("close")} (Ctrl+Alt+Shift+N)`;
  close.addEventListener("click", leave);
  window.soundstage.add({
    elements: [note],
    key: "KeyN",
    isThere: () => !note.hidden,
    toggle: () => {
      before = document.activeElement;
      close.focus();
    },
    close: leave,
  });

  /* An end by the clock is the same from one answer to the next, but for what the way takes. */
  function end() {
    return Math.round((Date.now() + left() * 1000) / 10000);
  }

  function left() {
    return Math.max(0, (endsAt - performance.now()) / 1000);
  }

  function threshold() {
    const passed = coming.warnBefore.filter((before) => left() <= before);
    return passed.length ? Math.min(...passed) : null;
  }

  function isHeard(before) {
    let heard = null;
    try {
      heard = JSON.parse(sessionStorage.getItem(HEARD));
    } catch {
      /* Whatever it was, it is none of ours. */
    }
    return heard !== null && Math.abs(heard.end - end()) <= 1 && heard.before <= before;
  }

  function show() {
    const before = coming === null ? null : threshold();
    if (before === null || isHeard(before)) {
      note.hidden = true;
      shownAt = null;
      return;
    }
    const seconds = Math.ceil(left());
    const verb = coming.action === "STOP" ? "stops" : "ends";
    const rest = String(seconds % 60).padStart(2, "0");
    what.textContent = say(verb);
    clock.textContent = `${Math.floor(seconds / 60)}:${rest}`;
    why.textContent = `${coming.reason} ${coming.advice}`;
    const isLast = before === Math.min(...coming.warnBefore);
    note.classList.toggle("soundstage-countdown-last", isLast);
    note.hidden = false;
    if (shownAt !== before) {
      shownAt = before;
      const minutes = Math.max(1, Math.round(seconds / 60));
      const length = say(minutes === 1 ? "minute" : "minutes", { number: minutes });
      said.setAttribute("role", isLast ? "alert" : "status");
      said.textContent = say(`said_${verb}`, { length, why: why.textContent });
    }
  }

  async function ask() {
    let pause = RARELY;
    try {
      const answer = await fetch("api/countdown", {
        cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE),
      });
      const told = answer.ok ? await answer.json() : {};
      coming = "secondsLeft" in told && told.warnBefore.length ? told : null;
      if (coming !== null) {
        endsAt = performance.now() + coming.secondsLeft * 1000;
        const first = Math.max(...coming.warnBefore);
        pause = left() < first + RARELY ? OFTEN : RARELY;
      }
    } catch {
      /* The gateway is away; what it said last still holds. */
      pause = OFTEN;
    }
    setTimeout(ask, pause * 1000);
  }

  document.body.append(note);
  setInterval(show, 250);
  ask();
})();
