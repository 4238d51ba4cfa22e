// Puts moments into the reader's own time, and counts down; without script they stay as the server wrote them.

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

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

localize(document);
