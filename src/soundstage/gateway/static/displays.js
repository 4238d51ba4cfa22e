/* What the desktop is shown on, from the bar: its size, how it is fitted into the window, how large its
 * letters are, and a second display in a window of its own. Selkies does it; here it is asked to.
 */
"use strict";

(() => {
  const say = (key) => window.soundstage.say(`displays.${key}`);
  const { make, button } = window.soundstage.maker("displays");
  const SIZES = ["1280x720", "1600x900", "1920x1080", "2560x1440", "3840x2160"];
  const LETTERS = [["100 %", 96], ["125 %", 120], ["150 %", 144], ["200 %", 192], ["300 %", 288]];
  const KEPT = "soundstage.letters";
  const isSecond = window.location.hash.startsWith("#display2");

  const part = make("div", "part");
  const size = choice(say("size"), [[say("as_window"), ""], ...SIZES.map((each) => [named(each), each])], () => {
    if (size.value === "") {
      tell({ type: "resetResolutionToWindow" });
    } else {
      const [width, height] = size.value.split("x").map(Number);
      tell({ type: "setManualResolution", width, height });
    }
    enable();
  });
  const fit = choice(say("shown"), [[say("fitted"), "true"], [say("dots"), "false"]], () => {
    tell({ type: "setScaleLocally", value: fit.value === "true" });
  });
  const density = choice(say("sharpness"), [[say("all_dots"), "false"], [say("less"), "true"]], () => {
    tell({ type: "setUseCssScaling", value: density.value === "true" });
  });
  const letters = choice(say("letters"), LETTERS, () => {
    localStorage.setItem(KEPT, letters.value);
    enlarge();
  });
  const second = button("button", say("second"), () => {
    const address = `${window.location.pathname}#display2-right`;
    const opened = window.open(address, `soundstage-second${window.location.pathname}`, "popup,width=1280,height=720");
    said.textContent = opened === null
      ? say("kept_shut")
      : say("drag");
  });
  second.hidden = true;
  const said = make("p", "said");
  said.setAttribute("role", "status");
  part.append(...[size, fit, density, letters].map((each) => each.parentElement), second, said);
  window.soundstage.bar.hold(say("title"), part, refresh);

  function choice(text, options, act) {
    const label = make("label", "label", text);
    const select = make("select", "choice");
    select.setAttribute("aria-label", text);
    select.append(...options.map(([name, value]) => new Option(name, value)));
    select.addEventListener("change", act);
    label.append(select);
    return select;
  }

  function named(value) {
    return value.replace("x", " × ");
  }

  function tell(message) {
    window.postMessage(message, window.location.origin);
  }

  /* What Selkies has kept for this browser; null where nothing was chosen yet. */
  function kept(name) {
    const ending = isSecond ? `_${name}_display2` : `_${name}`;
    const key = Object.keys(localStorage).find((each) => each.endsWith(ending));
    return key === undefined ? null : localStorage.getItem(key);
  }

  function refresh() {
    const isFixed = window.manual_resolution === true;
    const fixed = `${kept("manual_width")}x${kept("manual_height")}`;
    if (isFixed && !SIZES.includes(fixed) && ![...size.options].some((each) => each.value === fixed)) {
      size.append(new Option(named(fixed), fixed));
    }
    size.value = isFixed ? fixed : "";
    fit.value = kept("scaleLocallyManual") ?? "true";
    density.value = kept("useCssScaling") ?? "false";
    letters.value = localStorage.getItem(KEPT) ?? nearest();
    enable();
  }

  /* What is fitted has a size of its own; how many dots are sent is asked where there are more. */
  function enable() {
    const isFixed = size.value !== "";
    fit.disabled = !isFixed;
    density.disabled = isFixed || window.devicePixelRatio === 1;
  }

  function nearest() {
    const wanted = 96 * window.devicePixelRatio;
    return LETTERS.map(([, dpi]) => dpi).reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));
  }

  function enlarge() {
    tell({ type: "settings", settings: { scaling_dpi: Number(letters.value) } });
  }

  let isJoined = false;

  window.addEventListener("message", (event) => {
    if (event.origin !== window.location.origin || event.data?.type !== "serverSettings") {
      return;
    }
    second.hidden = isSecond || event.data.payload?.second_screen?.value !== true;
    if (!isJoined && !isSecond && localStorage.getItem(KEPT) !== null) {
      letters.value = localStorage.getItem(KEPT);
      enlarge();
    }
    isJoined = true;
  });
})();
