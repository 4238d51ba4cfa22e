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

const begun = new WeakMap();

/** Have what goes on count on from what the server knew. */
function count() {
  for (const each of document.querySelectorAll("[data-running]")) {
    if (!begun.has(each)) begun.set(each, performance.now() - 1000 * Number(each.dataset.running));
    const seconds = Math.floor((performance.now() - begun.get(each)) / 1000);
    each.textContent = each.dataset.unit.replace("{number}", seconds);
  }
}

localize(document);
setInterval(count, 1000);

// Whose time that is stands below the page.
const named = new Intl.DateTimeFormat(lang, { timeZoneName: "longGeneric" });
const zone = document.getElementById("zone");
const name = named.formatToParts(new Date()).find((each) => each.type === "timeZoneName").value;
zone.textContent = zone.dataset.text.replace("{zone}", name);
zone.hidden = false;
