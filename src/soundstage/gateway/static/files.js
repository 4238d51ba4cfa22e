/* Files into and out of the workstation: what is dropped on a stream's page is sent, piece by piece,
 * and what the workstation lays out may be taken away. Runs before Selkies' client.
 *
 * Each piece says where in the file it belongs, and the workstation says how far it is, so that a
 * file goes on after a break, and also when the page was loaded anew and gets the same file again.
 */
"use strict";

(() => {
  const say = (key, values) => window.soundstage.say(`files.${key}`, values);
  const FIRST_PIECE = 256 * 1024;
  const SMALLEST_PIECE = 64 * 1024;
  const PIECE_SECONDS = 1.5;
  const LONGEST_PAUSE = 15;
  const MOST_FILES = 5000;
  const MOST_ROWS = 200;
  const VIEWER = new URLSearchParams(window.location.search).get("role") === "viewer";

  let rules = null;
  const queue = [];
  let isSending = false;

  /* What people see. */

  const make = (kind, name, text = "") => {
    const element = document.createElement(kind);
    element.className = `soundstage-files-${name}`;
    element.textContent = text;
    return element;
  };
  const button = (name, text, act) => {
    const element = make("button", name, text);
    element.type = "button";
    element.addEventListener("click", act);
    return element;
  };

  const target = make("div", "target");
  target.hidden = true;
  const targetText = make("p", "target-text");
  target.append(targetText);

  const open = button("open", say("title"), () => show(panel.hidden));
  open.title = `${say("title")} (Ctrl+Alt+Shift+F)`;
  open.setAttribute("aria-expanded", "false");
  open.hidden = true;

  const panel = make("section", "panel");
  panel.hidden = true;
  panel.setAttribute("aria-label", say("title"));
  const close = button("close", say("close"), () => show(false));
  const uploads = make("div", "part");
  const hint = make("p", "hint");
  const picks = make("div", "picks");
  const sent = make("ul", "list");
  const downloads = make("div", "part");
  const laidOut = make("ul", "list");
  const nothing = make("p", "hint");
  const said = make("p", "said");
  said.setAttribute("role", "status");
  const refresh = button("pick", say("again"), list);

  const chooser = (isFolder) => {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = isFolder;
    input.hidden = true;
    input.className = isFolder ? "soundstage-files-folder" : "soundstage-files-choice";
    input.addEventListener("change", () => {
      const chosen = Array.from(input.files, (file) => ({
        file,
        path: (file.webkitRelativePath || file.name).split("/"),
      }));
      input.value = "";
      take(chosen);
    });
    return input;
  };
  const files = chooser(false);
  const folder = chooser(true);
  picks.append(
    button("pick", say("choose"), () => files.click()),
    button("pick", say("choose_folder"), () => folder.click()),
    files,
    folder,
  );
  uploads.append(make("h2", "title", say("send")), hint, picks, sent);
  downloads.append(make("h2", "title", say("take")), nothing, laidOut, refresh);
  panel.append(close, uploads, downloads, said);

  let before = null;

  function show(wanted, { focus = false } = {}) {
    if (panel.hidden === !wanted) {
      return;
    }
    panel.hidden = !wanted;
    open.setAttribute("aria-expanded", String(wanted));
    if (wanted && rules.downloadFrom !== null) {
      list();
    }
    if (wanted && focus) {
      before = document.activeElement;
      panel.querySelector("button:not([hidden])").focus();
    } else if (!wanted && panel.contains(document.activeElement)) {
      (before ?? document.body).focus();
    }
  }

  /* The keyboard stays with the desktop unless somebody went to the panel by keyboard. */
  window.soundstage.add({
    elements: [panel, open],
    key: "KeyF",
    isThere: () => rules !== null,
    toggle: () => show(panel.hidden, { focus: true }),
    close: () => show(false),
  });

  /* Dropping. A file that nobody takes would replace the page. */

  let left = null;
  const hasFiles = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");
  for (const kind of ["dragenter", "dragover"]) {
    window.addEventListener(kind, (event) => {
      if (!hasFiles(event)) {
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      const isWelcome = rules !== null && rules.uploadTo !== null;
      event.dataTransfer.dropEffect = isWelcome ? "copy" : "none";
      target.hidden = !isWelcome;
      clearTimeout(left);
      /* It is told again and again while something is held over the page. */
      left = setTimeout(() => { target.hidden = true; }, 600);
    }, true);
  }
  window.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    target.hidden = true;
    if (rules === null || rules.uploadTo === null) {
      return;
    }
    const items = Array.from(event.dataTransfer.items).filter((item) => item.kind === "file");
    const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
    const plain = Array.from(event.dataTransfer.files);
    const found = entries.every((entry) => entry !== null)
      ? await filesOf(entries)
      : plain.map((file) => ({ file, path: [file.name] }));
    take(found);
  }, true);

  async function filesOf(entries) {
    const found = [];
    const pending = entries.map((entry) => ({ entry, path: [entry.name] }));
    while (pending.length && found.length <= MOST_FILES) {
      const { entry, path } = pending.shift();
      if (entry.isFile) {
        found.push({ file: await new Promise((got, failed) => entry.file(got, failed)), path });
        continue;
      }
      const reader = entry.createReader();
      let some;
      do {
        some = await new Promise((got, failed) => reader.readEntries(got, failed));
        pending.push(...some.map((each) => ({ entry: each, path: [...path, each.name] })));
      } while (some.length);
    }
    return found;
  }

  /* Sending. */

  function take(found) {
    show(true);
    /* Folders are full of hidden files that their owners never saw. */
    const seen = found.filter(({ path }) => path.length === 1 || !path.some((p) => p[0] === "."));
    if (seen.length > MOST_FILES) {
      tell(say("too_many", { number: MOST_FILES }));
      return;
    }
    if (seen.length < found.length) {
      tell(say("hidden", { number: found.length - seen.length }));
    }
    for (const { file, path } of seen) {
      const upload = newUpload(file, path);
      queue.push(upload);
      sent.prepend(upload.row);
    }
    for (const row of Array.from(sent.children).slice(MOST_ROWS)) {
      if (row.dataset.state === "done") {
        row.remove();
      }
    }
    sendAll();
  }

  function newUpload(file, path) {
    const row = make("li", "row");
    const name = make("span", "name", path.join("/"));
    const bar = make("progress", "bar");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", path.join("/"));
    const state = make("span", "state", say("waiting"));
    const upload = { file, path, row, bar, state, offset: 0, isOver: false, stop: new AbortController() };
    upload.button = button("cancel", say("cancel"), () => cancelOrRetry(upload));
    upload.button.setAttribute("aria-label", say("cancel_named", { name: path.join("/") }));
    row.append(name, bar, state, upload.button);
    row.dataset.state = "waiting";
    return upload;
  }

  function cancelOrRetry(upload) {
    if (upload.row.dataset.state === "failed") {
      upload.stop = new AbortController();
      mark(upload, "waiting", say("waiting"));
      upload.button.textContent = say("cancel");
      queue.push(upload);
      sendAll();
      return;
    }
    upload.stop.abort();
    const at = queue.indexOf(upload);
    if (at >= 0) {
      queue.splice(at, 1);
    }
    upload.row.remove();
    request("DELETE", upload).catch(() => {});
    tell(say("cancelled", { name: upload.path.join("/") }));
  }

  function mark(upload, kind, text) {
    upload.row.dataset.state = kind;
    upload.state.textContent = text;
    upload.bar.value = upload.file.size ? upload.offset / upload.file.size : Number(kind === "done");
  }

  function request(method, upload, body = null) {
    const about = {
      path: upload.path,
      size: upload.file.size,
      modified: upload.file.lastModified,
      offset: upload.offset,
    };
    return fetch("api/uploads", {
      method,
      body,
      cache: "no-store",
      headers: { "Soundstage-File": encodeURIComponent(JSON.stringify(about)) },
      signal: method === "DELETE" ? null : upload.stop.signal,
    });
  }

  async function sendAll() {
    if (isSending) {
      return;
    }
    isSending = true;
    while (queue.length) {
      await send(queue.shift());
    }
    isSending = false;
  }

  async function send(upload) {
    let pause = 1;
    let isKnown = false;
    let piece = FIRST_PIECE;
    let most = rules.pieceBytes;
    let rate = null;
    while (!upload.stop.signal.aborted) {
      let answer = null;
      const began = performance.now();
      const from = upload.offset;
      try {
        if (isKnown) {
          piece = Math.min(piece, most);
          answer = await request("PUT", upload, upload.file.slice(from, from + piece));
        } else {
          mark(upload, "sending", say("looking"));
          answer = await request("POST", upload);
        }
      } catch {
        /* The line is down, or it was cancelled; or the file can't be read any more. */
        if (!upload.stop.signal.aborted && !(await isReadable(upload.file))) {
          fail(upload, say("unreadable"));
          return;
        }
      }
      if (upload.stop.signal.aborted) {
        return;
      }
      const told = answer === null ? {} : await answer.json().catch(() => ({}));
      if (answer?.ok) {
        pause = 1;
        upload.offset = told.offset;
        if (told.copy) {
          finish(upload, told.copy);
          return;
        }
        if (isKnown) {
          const seconds = Math.max(0.001, (performance.now() - began) / 1000);
          const speed = (upload.offset - from) / seconds;
          rate = rate === null ? speed : 0.8 * rate + 0.2 * speed;
          piece = Math.max(FIRST_PIECE, Math.round(speed * PIECE_SECONDS / FIRST_PIECE) * FIRST_PIECE);
        }
        isKnown = true;
        mark(upload, "sending", progress(upload, rate));
      } else if (answer?.status === 413 && !told.message && most > SMALLEST_PIECE) {
        /* Not the workstation's word: something on the way takes no pieces of this size. */
        most = Math.max(SMALLEST_PIECE, Math.floor(Math.min(piece, most) / 2));
      } else if (answer !== null && isFinal(answer.status, told)) {
        fail(upload, told.message ?? say("answered", { status: answer.status }));
        return;
      } else {
        /* What is there by now is asked after the break. */
        isKnown = false;
        rate = null;
        mark(upload, "sending", told.message ?? say("line"));
        await new Promise((over) => { setTimeout(over, pause * 1000); });
        pause = Math.min(LONGEST_PAUSE, pause * 2);
      }
    }
  }

  function isFinal(status, told) {
    /* Others may be under way, another page may hold it, or it was further than was thought. */
    const mayPass = [408, 423, 429].includes(status) || (status === 409 && "offset" in told);
    return status === 507 || (status < 500 && !mayPass);
  }

  async function isReadable(file) {
    try {
      await file.slice(0, 1).arrayBuffer();
      return true;
    } catch {
      return false;
    }
  }

  function progress(upload, rate) {
    const share = upload.file.size ? upload.offset / upload.file.size : 1;
    const percent = `${Math.floor(share * 100)} %`;
    if (rate === null || rate <= 0) {
      return percent;
    }
    return say("left", { share: percent, length: inWords((upload.file.size - upload.offset) / rate) });
  }

  function inWords(seconds) {
    if (seconds < 90) {
      return `${Math.max(1, Math.round(seconds))} s`;
    }
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  }

  function finish(upload, copy) {
    mark(upload, "done", copy > 1 ? say("arrived_beside", { copy }) : say("arrived"));
    upload.button.remove();
    tell(say("has_arrived", { name: upload.path.join("/") }));
  }

  function fail(upload, message) {
    mark(upload, "failed", message);
    upload.button.textContent = say("retry");
    upload.button.setAttribute("aria-label", say("retry_named", { name: upload.path.join("/") }));
    tell(`${upload.path.join("/")}: ${message}`);
  }

  function tell(text) {
    said.textContent = text;
  }

  /* Taking away. */

  async function list() {
    let told;
    try {
      const answer = await fetch("api/downloads", { cache: "no-store" });
      told = await answer.json();
      if (!answer.ok) {
        throw new Error(told.message);
      }
    } catch {
      nothing.textContent = say("no_list");
      nothing.hidden = false;
      return;
    }
    laidOut.replaceChildren(...told.files.map(({ path, size }) => {
      const row = make("li", "row");
      const link = make("a", "link", path.join("/"));
      link.href = `api/downloads/${path.map(encodeURIComponent).join("/")}`;
      link.download = path.at(-1);
      row.append(link, make("span", "state", amount(size)));
      return row;
    }));
    nothing.hidden = told.files.length > 0 && !told.more;
    nothing.textContent = told.more
      ? say("more")
      : say("from", { place: place(rules.downloadFrom) });
  }

  function place(name) {
    return name.startsWith("$HOME/") ? say("in_home", { folder: name.slice(6) }) : name;
  }

  function amount(bytes) {
    for (const [unit, name] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
      if (bytes >= unit) {
        return `${Number((bytes / unit).toFixed(1))} ${name}`;
      }
    }
    return say("bytes", { number: bytes });
  }

  /* Whether anything may be moved at all. */

  async function ask() {
    let pause = 3;
    try {
      const answer = await fetch("api/transfers", { cache: "no-store" });
      if (answer.ok) {
        begin(await answer.json());
        return;
      }
      if (answer.status < 500) {
        return;
      }
    } catch {
      pause = 5;
    }
    setTimeout(ask, pause * 1000);
  }

  function begin(told) {
    rules = told;
    uploads.hidden = rules.uploadTo === null;
    downloads.hidden = rules.downloadFrom === null;
    if (uploads.hidden && downloads.hidden) {
      rules = null;
      return;
    }
    hint.textContent = say("hint", { place: place(rules.uploadTo), most: amount(rules.mostBytes) });
    targetText.textContent = say("drop", { place: place(rules.uploadTo) });
    open.hidden = false;
  }

  if (!VIEWER) {
    document.addEventListener("DOMContentLoaded", () => {
      document.body.append(open, panel, target);
      ask();
    });
  }
})();
