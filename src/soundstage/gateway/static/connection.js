/* Says on a stream's page that the connection to the desktop is down, and when it is back: the last
 * picture stays on the screen meanwhile and looks as if one could work in it. Runs before Selkies'
 * client, which goes on trying by itself; what it says of that, in its own words, is not shown.
 */
"use strict";

(() => {
  const say = (key) => window.soundstage.say(`connection.${key}`);
  const TEXTS = {
    down: [say("down"), say("down_text")],
    offline: [say("offline"), say("offline_text")],
    elsewhere: [say("elsewhere"), say("elsewhere_text")],
  };
  const OFTEN = 250;
  const PATIENCE = 1500;
  const FIRST_PATIENCE = 10_000;
  const BETWEEN_QUESTIONS = { reached: 3000, silent: 1000 };
  const LONGEST_ANSWER = 5000;
  /* How Selkies' server says so, before it closes. */
  const ELSEWHERE = "KILL a new ";
  /* How it says that its frames begin anew. */
  const RESET = "PIPELINE_RESETTING ";
  const SETTLED = 500;

  const { make, button } = window.soundstage.maker("connection");
  const note = make("section", "note");
  note.hidden = true;
  note.setAttribute("role", "alert");
  const title = make("p", "title");
  const text = make("p", "text");
  const back = button("back", say("take_back"), () => window.location.reload());
  note.append(title, text, back);

  let transport = null;
  let isElsewhere = false;
  let isReached = true;
  let isLeft = false;
  let downSince = performance.now();
  let patience = FIRST_PATIENCE;

  /* Selkies' client has another one after each break; it is a socket, or the like in a worker. */
  function look() {
    const now = window.selkiesTransport ?? null;
    if (now !== transport) {
      transport = now;
      isElsewhere = false;
      now?.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") { return; }
        isElsewhere ||= data.startsWith(ELSEWHERE);
        if (data.startsWith(RESET)) { haveWholePicture(); }
      });
    }
    if (transport?.readyState === WebSocket.OPEN) {
      if (downSince !== null) { haveWholePicture(); }
      downSince = null;
      patience = PATIENCE;
    } else {
      downSince ??= performance.now();
    }
    watch();
    show();
  }

  /* A reset that is heard only after the whole picture which should follow it takes that away again, and
   * a desktop that stands still sends no other: it would stay as it was before. So one more is asked for,
   * later than Selkies' server passes over such a question because it just had one.
   */
  let asking = null;

  function haveWholePicture() {
    clearTimeout(asking);
    asking = setTimeout(() => {
      if (transport?.readyState === WebSocket.OPEN) { transport.send("REQUEST_KEYFRAME"); }
    }, SETTLED);
  }

  /* Selkies' client gives up picture and sound 1.5 s after a break, unless a picture has come by then: also
   * when it is connected again and only waits for one. Then it would throw away all that follow. Its own
   * pauses, of a page that nobody sees, say nothing of the sound.
   */
  function goOn({ data, origin }) {
    const isGivenUp = origin === window.location.origin && data?.type === "pipelineStatusUpdate"
      && data.video === false && data.audio === false;
    if (!isGivenUp || document.hidden) { return; }
    const now = window.selkiesTransport;
    if (now?.readyState === WebSocket.OPEN) {
      now.send("START_VIDEO");
      now.send("START_AUDIO");
    }
  }

  function show() {
    const isCut = downSince !== null && performance.now() - downSince > patience;
    const why = isElsewhere ? "elsewhere" : navigator.onLine ? "down" : "offline";
    const isDown = !isLeft && (isCut || !isReached || !navigator.onLine);
    document.documentElement.classList.toggle("soundstage-is-down", isDown);
    if (isDown && title.textContent !== TEXTS[why][0]) {
      [title.textContent, text.textContent] = TEXTS[why];
    }
    back.hidden = why !== "elsewhere";
    note.hidden = !isDown;
  }

  /* A network that drops everything closes nothing, and a desktop that stands still sends nothing: only
   * a question tells the two apart. How long its answer takes is counted in turns of this page, so that
   * a page that stood still itself, on a machine that is busy or slept, blames nobody for it.
   */
  let question = null;
  let turns = 0;
  let misses = 0;
  let silent = null;

  function watch() {
    turns += 1;
    const pause = BETWEEN_QUESTIONS[misses === 0 ? "reached" : "silent"];
    if (question === null && turns * OFTEN >= pause && !document.hidden) {
      ask();
    } else if (question !== null && turns * OFTEN >= LONGEST_ANSWER) {
      question.abort();
    }
  }

  async function ask() {
    turns = 0;
    question = new AbortController();
    try {
      await fetch("api/status", { cache: "no-store", signal: question.signal });
      if (silent !== null && transport === silent) { beginAnew(); }
      misses = 0;
      isReached = true;
      silent = null;
    } catch {
      /* A browser breaks off one question when the computer changes networks, and the next is answered. */
      misses += 1;
      isReached &&= misses === 1 && !question.signal.aborted;
      if (transport?.readyState === WebSocket.OPEN) { silent ??= transport; }
    }
    question = null;
    turns = 0;
    show();
  }

  /* What was on its way when the network fell silent is sent again only after a pause that has grown
   * with the silence, and from an address that the computer lost never. So the client is told that its
   * connection broke, unless it found out by itself, and makes another at once. The transport's own word
   * would come too late or, from a worker that is ended first, never.
   */
  function beginAnew() {
    if (transport.readyState !== WebSocket.OPEN) { return; }
    const { onclose } = transport;
    transport.onclose = null;
    transport.close();
    onclose?.call(transport, new CloseEvent("close", { code: 1006 }));
  }

  window.addEventListener("message", goOn);
  window.addEventListener("offline", show);
  window.addEventListener("online", show);
  window.addEventListener("pagehide", () => { isLeft = true; });
  window.addEventListener("pageshow", () => { isLeft = false; });
  window.soundstage.add({
    elements: [note],
    key: "KeyR",
    isThere: () => !back.hidden && !note.hidden,
    toggle: () => back.focus(),
    close: () => {},
  });
  window.addEventListener("DOMContentLoaded", () => document.body.append(note));
  setInterval(look, OFTEN);
})();
