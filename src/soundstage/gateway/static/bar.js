/* The bar of a stream's page: full screen, what the clipboard does, files, keys that a browser keeps
 * for itself, and figures about the stream. It is folded behind the upper edge until it is wanted.
 *
 * The figures are those that Selkies measures: the server its encoding and the way of a frame and
 * back, the browser what it decodes and shows. What nobody measured is not shown as a number.
 */
"use strict";

(() => {
  const FIGURES = [
    ["Round trip", "rtt_ms", "ms"],
    ["Shown", "fps", "frames a second"],
    ["Made", "encoded_fps", "frames a second"],
    ["Encoding", "encode_ms", "ms a frame"],
    ["Decoding", "decode_ms", "ms a frame"],
    ["Received", "mbps", "Mbit/s"],
  ];
  const KEYS = [
    ["Ctrl + Alt + Delete", [["Control", "ControlLeft"], ["Alt", "AltLeft"], ["Delete", "Delete"]]],
    ["Super", [["Meta", "MetaLeft"]]],
    ["Alt + Tab", [["Alt", "AltLeft"], ["Tab", "Tab"]]],
    ["Alt + F4", [["Alt", "AltLeft"], ["F4", "F4"]]],
    ["Ctrl + W", [["Control", "ControlLeft"], ["w", "KeyW"]]],
    ["F11", [["F11", "F11"]]],
    ["Print Screen", [["PrintScreen", "PrintScreen"]]],
  ];
  const HELD = { Control: "ctrlKey", Alt: "altKey", Meta: "metaKey" };
  const AGAIN = 1000;

  const { make, button } = window.soundstage.maker("bar");

  const open = button("open", "Tools", () => show(bar.hidden));
  open.title = "Tools (Ctrl+Alt+Shift+B)";
  open.setAttribute("aria-expanded", "false");
  const bar = make("section", "panel");
  bar.hidden = true;
  bar.setAttribute("aria-label", "Tools");
  const row = make("div", "row");
  const full = button("button", "Full screen", toggleFull);
  const files = button("button", "Files", () => document.querySelector(".soundstage-files-open").click());
  const clipboard = make("span", "clipboard", "Clipboard: not known yet");
  const keys = make("div", "keys");
  const figures = make("dl", "figures");
  for (const [text, chord] of KEYS) {
    keys.append(button("button", text, () => press(chord)));
  }
  const shown = FIGURES.map(([text]) => {
    const value = make("dd", "value", "–");
    figures.append(make("dt", "name", text), value);
    return value;
  });
  row.append(full, files, clipboard, button("button", "Fold", () => show(false)));
  bar.append(row);
  hold("Keys", keys);
  hold("Statistics", figures, measure);

  /* Put a part into the bar, folded behind a button; `heard` is told when it is unfolded or folded. */
  function hold(text, part, heard = () => {}) {
    const opener = button("button", text, () => {
      part.hidden = !part.hidden;
      opener.setAttribute("aria-expanded", String(!part.hidden));
      heard();
    });
    part.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    row.insertBefore(opener, clipboard);
    bar.append(part);
    return opener;
  }

  let before = null;

  function show(wanted, { focus = false } = {}) {
    if (bar.hidden === !wanted) {
      return;
    }
    const isWithin = bar.contains(document.activeElement);
    files.hidden = document.querySelector(".soundstage-files-open:not([hidden])") === null;
    bar.hidden = !wanted;
    open.setAttribute("aria-expanded", String(wanted));
    if (wanted && focus) {
      before = document.activeElement;
      full.focus();
    } else if (isWithin) {
      document.activeElement.blur();
      before?.focus();
      before = null;
    }
    measure();
  }

  function toggleFull() {
    if (document.fullscreenElement !== null) {
      document.exitFullscreen();
    } else {
      document.documentElement.requestFullscreen().catch(() => { full.textContent = "No full screen here"; });
    }
  }

  document.addEventListener("fullscreenchange", () => {
    full.textContent = document.fullscreenElement === null ? "Full screen" : "Leave full screen";
  });

  /* Down one after the other, up the other way round, as fingers do. */
  function press(chord) {
    const held = { ctrlKey: false, altKey: false, metaKey: false };
    const send = (type, [key, code]) => {
      if (key in HELD) {
        held[HELD[key]] = type === "keydown";
      }
      window.dispatchEvent(new KeyboardEvent(type, { key, code, ...held, bubbles: true, cancelable: true }));
    };
    for (const each of chord) {
      send("keydown", each);
    }
    for (const each of chord.toReversed()) {
      send("keyup", each);
    }
  }

  /* Selkies measures only while somebody looks. */
  let isMeasured = false;

  function measure() {
    const wanted = !bar.hidden && !figures.hidden;
    if (wanted || isMeasured) {
      window.postMessage({ type: "statsOpen", open: wanted }, window.location.origin);
    }
    isMeasured = wanted;
  }

  function tell() {
    if (!isMeasured) {
      return;
    }
    const latest = window.stream_stats?.latest ?? {};
    FIGURES.forEach(([, name, unit], number) => {
      const value = latest[name];
      shown[number].textContent = typeof value === "number" ? `${value} ${unit}` : "–";
    });
    /* Its own panel may have been closed meanwhile, and with it the measuring. */
    if (window.stream_stats?.open === false) {
      measure();
    }
  }

  window.addEventListener("message", (event) => {
    if (event.origin !== window.location.origin || event.data?.type !== "serverSettings") {
      return;
    }
    const rule = (name) => event.data.payload?.[name]?.value ?? event.data.payload?.[name];
    const [allowed, inward, outward] = ["clipboard_enabled", "clipboard_in_enabled", "clipboard_out_enabled"]
      .map((name) => rule(name) === true);
    let text = "Clipboard: off";
    if (allowed && inward && outward) {
      text = "Clipboard: both ways";
    } else if (allowed && inward) {
      text = "Clipboard: only in";
    } else if (allowed && outward) {
      text = "Clipboard: only out";
    }
    clipboard.textContent = text;
  });

  window.soundstage.add({
    elements: [bar, open],
    key: "KeyB",
    isThere: () => true,
    toggle: () => show(bar.hidden, { focus: true }),
    close: () => show(false),
  });

  /* What is to be seen while the bar is folded, too. */
  function note(text) {
    open.textContent = text === "" ? "Tools" : `Tools · ${text}`;
    open.classList.toggle("soundstage-bar-noted", text !== "");
  }

  window.soundstage.bar = { hold, note, isShown: () => !bar.hidden };
  window.addEventListener("DOMContentLoaded", () => document.body.append(open, bar));
  setInterval(tell, AGAIN);
})();
