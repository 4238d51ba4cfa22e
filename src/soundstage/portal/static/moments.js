// Puts moments into the reader's own time, and counts down; without script they stay as the server wrote them.

// As the reader's own country writes the page's language, if the reader's is that one.
const { lang } = document.documentElement;
const locale = navigator.languages.find((each) => each.split("-")[0] === lang) ?? lang;
const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** Rewrite the moments below an element. */
export function localize(root) {
  for (const time of root.querySelectorAll("time:not(.left)")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) {
      time.textContent = moments.format(moment);
      time.title = moment.toISOString();
    }
  }
}

const LATE_SECONDS = 3;
const seen = new WeakMap();

/** Say how many seconds an element has been there. */
function since(element) {
  if (!seen.has(element)) seen.set(element, performance.now());
  return (performance.now() - seen.get(element)) / 1000;
}

/** Have what goes on count on from what the server knew. */
function count() {
  for (const each of document.querySelectorAll("[data-running]")) {
    const seconds = Math.floor(Number(each.dataset.running) + since(each));
    each.textContent = each.dataset.unit.replace("{number}", seconds);
  }
  for (const each of document.querySelectorAll("progress[data-gone]")) {
    // Not full before it is ready.
    each.value = Math.min(Number(each.dataset.gone) + since(each), 0.97 * each.max);
  }
  for (const each of document.querySelectorAll("[data-left]")) {
    each.textContent = remaining(each.dataset, Number(each.dataset.left) - since(each));
  }
}

/** Say about how long the rest takes; one that is over by as much as it had is late. */
function remaining({ left, nothing, seconds, minutes, late }, now) {
  if (now < -Number(left) - LATE_SECONDS) return late;
  if (now < 1) return nothing;
  return now < 55 ? seconds.replace("{number}", Math.round(now)) : minutes.replace("{number}", Math.round(now / 60));
}

localize(document);
setInterval(count, 1000);

// Whose time that is stands below the page.
const named = new Intl.DateTimeFormat(lang, { timeZoneName: "longGeneric" });
const zone = document.getElementById("zone");
const name = named.formatToParts(new Date()).find((each) => each.type === "timeZoneName").value;
zone.textContent = zone.dataset.text.replace("{zone}", name);
zone.hidden = false;
