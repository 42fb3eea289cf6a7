// A button that brings the next page of a list, says what went wrong, and offers to go on from there.

import { busyButton, el } from "./dom.js";
import { why, words } from "./words.js";

/**
 * A note and a button. `load()` brings the page and draws it; `restart()` begins the list anew, which is offered
 * where a walk was left for too long (410). The button stays where it is and keeps the focus until a page came.
 */
export function more(host, props, label, load, restart) {
  const note = el("p", { class: "note", role: "alert", hidden: true });
  let work = load;
  const button = busyButton({ ...props, text: label }, async () => {
    note.hidden = true;
    button.textContent = words.loadingMore;
    try {
      await work();
    } catch (problem) {
      if (host.signal.aborted) return;
      const expired = problem.status === 410;
      if (expired) work = restart;
      note.textContent = expired ? words.expired : why(problem, words.failedMore);
      note.hidden = false;
      button.textContent = expired ? words.beginAgain : words.tryAgain;
    }
  });
  return [note, button];
}
