/* A pen that knows how hard it is pressed, taken to the desktop as one. Selkies' client makes a mouse
 * of it; so what a pen does over the desktop is kept from the client here, before it hears of it, and
 * goes by a connection of its own. Where the desktop has no pen, the client keeps it.
 */
"use strict";

(() => {
  const say = (key) => window.soundstage.say(`pen.${key}`);
  /* The client shows the picture in one of these, below the field that hears the pointer. */
  const PICTURES = "#videoStream, #videoWorkerCanvas, #videoCanvas";
  const DESKTOP = `#overlayInput, ${PICTURES}`;
  const TIP = 1;
  const BARREL = 2 | 4;
  const ERASER = 32;
  const FULL = 65535;
  const HARDEST = 1000;
  const MOST = 64;
  const AGAIN = 5000;
  const DISPLAY = window.location.hash.startsWith("#display2") ? "display2" : "primary";
  const address = new URL("api/pen", window.location.href);
  address.protocol = address.protocol.replace("http", "ws");

  let line = null;
  let isOpen = false;
  let failedAt = -Infinity;
  /* Whether the stroke is kept from the client, and whether the latest event of any pointer was. */
  let isOurs = false;
  let isLatest = false;
  let isNear = false;
  let isDue = false;
  let waiting = [];
  let shown = null;

  for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerout", "pointerrawupdate"]) {
    window.addEventListener(kind, hear, { capture: true, passive: false });
  }
  /* A browser sends these after the pen's own, for pages that know a mouse or fingers only. */
  for (const kind of [
    "mousedown", "mouseup", "mousemove", "click", "auxclick", "dblclick", "contextmenu",
    "touchstart", "touchmove", "touchend", "touchcancel",
  ]) {
    window.addEventListener(kind, (event) => {
      if (isLatest && isOverDesktop(event)) { keep(event); }
    }, { capture: true, passive: false });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { leave(); }
  });
  window.addEventListener("pagehide", leave);

  function hear(event) {
    isLatest = false;
    if (event.pointerType !== "pen" || !isOverDesktop(event)) {
      return;
    }
    /* Whose a stroke is does not change on the way. */
    if (event.buttons === 0 || event.type === "pointerdown") {
      isOurs = document.pointerLockElement === null && reach();
    } else if (isOurs) {
      reach();
    }
    if (!isOurs) {
      return;
    }
    isLatest = true;
    keep(event);
    if (event.type === "pointerdown") {
      event.target.setPointerCapture(event.pointerId);
      document.getElementById("overlayInput")?.focus();
    }
    if (event.type === "pointerout" || event.type === "pointercancel") {
      if (!isOverDesktop({ target: event.relatedTarget })) { leave(); }
    } else if (event.type !== "pointerrawupdate") {
      follow(event);
    }
  }

  function isOverDesktop({ target }) {
    return target instanceof Element && target.matches(DESKTOP);
  }

  function keep(event) {
    event.stopImmediatePropagation();
    event.preventDefault();
  }

  /* Note the points of an event, of which a browser gathers several between two frames. */
  function follow(event) {
    const gathered = event.getCoalescedEvents?.() ?? [];
    const box = pictureBox();
    if (box === undefined) {
      return;
    }
    for (const each of gathered.length > 0 ? gathered : [event]) {
      waiting.push({ tool: toolOf(each), words: wordsOf(each, box) });
    }
    /* While the line is being made only the newest are kept. */
    if (!isOpen) { waiting = waiting.slice(-MOST); }
    isNear = true;
    if (!isDue) {
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        send();
      });
    }
  }

  function pictureBox() {
    return [...document.querySelectorAll(PICTURES)].map((each) => each.getBoundingClientRect())
      .find((each) => each.width > 0 && each.height > 0);
  }

  function toolOf({ buttons }) {
    return (buttons & ERASER) === 0 ? "stylus" : "eraser";
  }

  function wordsOf({ clientX, clientY, pressure, buttons }, box) {
    const x = share((clientX - box.left) / box.width, FULL);
    const y = share((clientY - box.top) / box.height, FULL);
    const tip = (buttons & (TIP | ERASER)) === 0 ? 0 : TIP;
    return `${x} ${y} ${share(pressure, HARDEST)} ${tip | (buttons & BARREL)}`;
  }

  function share(part, whole) {
    return Math.round(Math.min(1, Math.max(0, part)) * whole);
  }

  /* Send what waits: one message for all that one tool did. */
  function send() {
    while (isOpen && waiting.length > 0) {
      const [{ tool }] = waiting;
      const end = waiting.findIndex((each) => each.tool !== tool);
      const count = Math.min(MOST, end < 0 ? waiting.length : end);
      const words = waiting.splice(0, count).map((each) => each.words);
      line.send(["pen", DISPLAY, tool, ...words].join(","));
    }
  }

  function leave() {
    if (!isNear) {
      return;
    }
    isNear = false;
    send();
    waiting = [];
    if (isOpen) { line.send("pen,away"); }
  }

  /* Have a line to the desktop's pen; reports whether there is one or may soon be. */
  function reach() {
    if (line !== null) {
      return true;
    }
    if (performance.now() - failedAt < AGAIN) {
      return false;
    }
    waiting = [];
    line = new WebSocket(address);
    line.addEventListener("message", () => {
      isOpen = true;
      shown ??= window.soundstage.bar.figure(say("title"));
      shown.textContent = say("with_pressure");
      send();
      if (!isNear) { line.send("pen,away"); }
    });
    line.addEventListener("close", () => {
      if (!isOpen) { failedAt = performance.now(); }
      line = null;
      isOpen = false;
      if (shown !== null) { shown.textContent = say("away"); }
    });
    return true;
  }
})();
