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
    if (isShortcut && call(event.code)) {
      event.preventDefault();
      event.stopImmediatePropagation();
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
      /* Nobody is to type into what was left. */
      if (part.elements.some((each) => each.contains(document.activeElement))) {
        document.activeElement.blur();
      }
    } else if (event.key === "Tab") {
      event.preventDefault();
      move(part, event.shiftKey ? -1 : 1);
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

  /* Go round in a part: behind its last button begins the desktop, which would take the Tab. */
  function move(part, by) {
    const all = part.elements.flatMap((each) => [...each.querySelectorAll("button, select, input, a[href]")])
      .filter((each) => !each.disabled && each.checkVisibility());
    if (all.length > 0) {
      all.at((all.indexOf(document.activeElement) + by) % all.length).focus();
    }
  }

  /* Call a part as its key does; reports whether it is there. */
  function call(key) {
    const called = parts.find((part) => part.key === key && part.isThere());
    called?.toggle();
    return called !== undefined;
  }

  /* Add a part: its elements, the key that calls it with Ctrl+Alt+Shift, whether it is there to be
   * called, and how it is called and closed. The pointer leaves the keyboard with the desktop.
   */
  function add(part) {
    parts.push(part);
    for (const element of part.elements) {
      element.addEventListener("mousedown", (event) => {
        /* These open, or take what is marked in them, only with the focus. */
        if (!event.target.closest("select, input")) {
          event.preventDefault();
        }
      });
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

  /* How a part makes its elements: their names in style sheets begin with the part's. */
  function maker(part) {
    const make = (kind, name, text = "") => {
      const element = document.createElement(kind);
      element.className = `soundstage-${part}-${name}`;
      element.textContent = text;
      return element;
    };
    const button = (name, text, act) => {
      const element = make("button", name, text);
      element.type = "button";
      element.addEventListener("click", act);
      return element;
    };
    return { make, button };
  }

  /* The client takes what is typed by a field that has no name for who can't see it, and makes it late. */
  function nameDesktop(name) {
    const watched = new MutationObserver(() => {
      const field = document.getElementById("overlayInput");
      if (field !== null) {
        field.setAttribute("aria-label", name);
        watched.disconnect();
      }
    });
    watched.observe(document, { childList: true, subtree: true });
  }

  return { add, call, maker, nameDesktop, say };
})();
