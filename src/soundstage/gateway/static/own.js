/* What our own parts of a stream's page have in common: what is typed and pointed at in them is not
 * the desktop's, and everything else is; and their words. Runs before the scripts that make such parts,
 * and after the one that has the words.
 */
"use strict";

window.soundstage = (() => {
  const parts = [];
  const down = new Set();

  function focused() {
    return parts.find((part) => part.elements.some((each) => each.contains(document.activeElement)));
  }

  /* A key that went down in the desktop must come up there, wherever the focus is by then. What a
   * script sends, as our own keys for the desktop, is for the desktop.
   */
  window.addEventListener("keydown", (event) => {
    if (!event.isTrusted) {
      return;
    }
    const isShortcut = event.ctrlKey && event.altKey && event.shiftKey;
    const called = isShortcut && parts.find((part) => part.key === event.code && part.isThere());
    if (called) {
      event.preventDefault();
      event.stopImmediatePropagation();
      called.toggle();
      return;
    }
    const part = focused();
    if (part === undefined) {
      down.add(event.code);
      return;
    }
    event.stopImmediatePropagation();
    if (event.key === "Escape") {
      event.preventDefault();
      part.close();
    }
  }, true);
  window.addEventListener("keyup", (event) => {
    if (event.isTrusted && !down.delete(event.code) && focused()) {
      event.stopImmediatePropagation();
    }
  }, true);
  window.addEventListener("paste", (event) => {
    if (focused()) {
      event.stopImmediatePropagation();
    }
  }, true);

  /* Add a part: its elements, the key that calls it with Ctrl+Alt+Shift, whether it is there to be
   * called, and how it is called and closed. The pointer leaves the keyboard with the desktop.
   */
  function add(part) {
    parts.push(part);
    for (const element of part.elements) {
      element.addEventListener("mousedown", (event) => event.preventDefault());
      for (const kind of [
        "pointerdown", "pointerup", "pointermove", "mousedown", "mouseup", "mousemove",
        "click", "wheel", "touchstart", "touchmove", "touchend", "contextmenu",
      ]) {
        element.addEventListener(kind, (event) => event.stopPropagation());
      }
    }
  }

  /* Give a text of the page's language, its {braces} filled in. */
  function say(key, values = {}) {
    return window.soundstageWords[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  return { add, say };
})();
