/* Runs before Selkies' client on a stream's page. */
"use strict";

/* A browser decodes video on secure addresses alone, and only it knows whether it takes this one for
 * secure. The client would show a black page and nothing else.
 */
if (!window.isSecureContext) {
  window.location.replace("not-secure");
}

/* The client asks for its own page whenever its connection ends. When the answer says that the
 * stream is over for this browser, the page is loaded again and shows what happened; otherwise the
 * client would go on trying behind a black screen.
 */
(() => {
  const over = new Set([401, 403, 404, 410]);
  const ask = window.fetch.bind(window);
  let leaving = false;

  window.fetch = async (...request) => {
    const answer = await ask(...request);
    const address = new URL(answer.url, window.location.href);
    const isOwnPage = address.origin === window.location.origin
      && address.pathname === window.location.pathname;
    if (isOwnPage && over.has(answer.status) && !leaving) {
      leaving = true;
      window.location.reload();
    }
    return answer;
  };
})();

/* The client loads its audio worklets from data: addresses. A policy that lets scripts come from
 * those lets any text in the page become a script; a blob can only be made by a script that
 * already runs.
 */
(() => {
  if (typeof AudioWorklet === "undefined") {
    return;
  }
  const load = AudioWorklet.prototype.addModule;

  AudioWorklet.prototype.addModule = async function addModule(address, options) {
    const [kind, text] = splitOnce(String(address), ",");
    if (!kind.startsWith("data:text/javascript")) {
      return load.call(this, address, options);
    }
    const source = new Blob([decodeURIComponent(text)], { type: "text/javascript" });
    const blob = URL.createObjectURL(source);
    try {
      return await load.call(this, blob, options);
    } finally {
      URL.revokeObjectURL(blob);
    }
  };

  function splitOnce(text, separator) {
    const at = text.indexOf(separator);
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  }
})();
