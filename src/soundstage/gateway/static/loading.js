/* Loads a stream's page again when a part of it did not arrive: a browser breaks off what is on its way
 * when the computer changes networks, and nothing works on a page that lacks one script. Runs before all
 * the others and needs none of them, so that it hears of each.
 */
"use strict";

(() => {
  const TRIES = "soundstage_loads";
  const PAUSES = [300, 1000, 3000, 10_000];
  const SETTLED = 30_000;
  let isLeaving = false;

  function loadAgain() {
    const tries = Number(sessionStorage.getItem(TRIES));
    if (isLeaving || tries >= PAUSES.length) { return; }
    isLeaving = true;
    sessionStorage.setItem(TRIES, tries + 1);
    setTimeout(() => window.location.reload(), PAUSES[tries]);
  }

  window.addEventListener("error", ({ target }) => {
    if (target instanceof HTMLScriptElement || target.rel === "stylesheet") { loadAgain(); }
  }, true);
  /* How the client's build says so of a script that it loads later. */
  window.addEventListener("vite:preloadError", loadAgain);
  setTimeout(() => {
    if (!isLeaving) { sessionStorage.removeItem(TRIES); }
  }, SETTLED);
})();
