/* The page of somebody who looks on: Selkies' client is told so before it begins, and the person is.
 *
 * It is a courtesy: whatever this page sends, the gateway lets nothing through that does anything.
 */
"use strict";

history.replaceState(null, "", "#shared");
window.soundstage.nameDesktop(window.soundstage.say("viewer.desktop"));

window.addEventListener("DOMContentLoaded", () => {
  const note = document.createElement("p");
  note.className = "soundstage-viewer-note";
  note.setAttribute("role", "status");
  note.textContent = window.soundstage.say("viewer.note");
  document.body.append(note);
});
