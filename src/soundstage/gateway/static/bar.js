/* The bar of a stream's page: full screen, what the clipboard does, files, keys that a browser keeps
 * for itself, and figures about the stream. It is folded behind the upper edge until it is wanted.
 *
 * The figures are those that Selkies measures: the server its encoding and the way of a frame and
 * back, the browser what it decodes and shows. What nobody measured is not shown as a number.
 */
"use strict";

(() => {
  const say = (key) => window.soundstage.say(`bar.${key}`);
  const FIGURES = [
    [say("round_trip"), "rtt_ms", "ms"],
    [say("shown"), "fps", say("frames")],
    [say("made"), "encoded_fps", say("frames")],
    [say("encoding"), "encode_ms", say("each_frame")],
    [say("decoding"), "decode_ms", say("each_frame")],
    [say("received"), "mbps", "Mbit/s"],
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
  window.soundstage.nameDesktop(say("desktop"));

  const open = button("open", say("tools"), () => show(bar.hidden));
  open.title = `${say("tools")} (Ctrl+Alt+Shift+B)`;
  open.setAttribute("aria-expanded", "false");
  const bar = make("section", "panel");
  bar.hidden = true;
  bar.setAttribute("aria-label", say("tools"));
  const row = make("div", "row");
  const full = button("button", say("full"), toggleFull);
  const files = button("button", window.soundstage.say("files.title"), (event) => {
    if (event.detail !== 0) {
      document.querySelector(".soundstage-files-open").click();
      return;
    }
    /* By keyboard: the panel has the focus, and gives it back to the desktop. */
    show(false);
    window.soundstage.call("KeyF");
  });
  const clipboard = make("span", "clipboard", say("clipboard_unknown"));
  const keys = make("div", "keys");
  const figures = make("dl", "figures");
  for (const [text, chord] of KEYS) {
    keys.append(button("button", text, () => press(chord)));
  }
  const shown = FIGURES.map(([text]) => figure(text));
  row.append(full, files, clipboard, button("button", say("fold"), () => show(false)));
  bar.append(row);
  hold(say("keys"), keys);
  hold(say("statistics"), figures, measure);

  /* What else is at the top begins below it, however many lines it takes. */
  new ResizeObserver(() => {
    const height = bar.hidden ? 0 : bar.offsetHeight;
    document.documentElement.style.setProperty("--soundstage-bar", `${height}px`);
  }).observe(bar);

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

  /* Add a line to the figures; its value is whoever asked for it to fill in. */
  function figure(text) {
    const value = make("dd", "value", "–");
    figures.append(make("dt", "name", text), value);
    return value;
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
      document.documentElement.requestFullscreen().catch(() => { full.textContent = say("no_full"); });
    }
  }

  document.addEventListener("fullscreenchange", () => {
    full.textContent = say(document.fullscreenElement === null ? "full" : "leave_full");
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
    let text = "clipboard_off";
    if (allowed && inward && outward) {
      text = "clipboard_both";
    } else if (allowed && inward) {
      text = "clipboard_in";
    } else if (allowed && outward) {
      text = "clipboard_out";
    }
    clipboard.textContent = say(text);
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
    open.textContent = text === "" ? say("tools") : `${say("tools")} · ${text}`;
    open.classList.toggle("soundstage-bar-noted", text !== "");
  }

  window.soundstage.bar = { figure, hold, note, isShown: () => !bar.hidden };
  window.addEventListener("DOMContentLoaded", () => document.body.append(open, bar));
  setInterval(tell, AGAIN);
})();
