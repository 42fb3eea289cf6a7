// Report somebody else's comment: a reason, and a word to the moderators.

import { busyButton, el } from "./dom.js";
import { why, words } from "./words.js";

/** Open the form for the comment `id` in `slot`, or close it; `button` is what opens it. */
export function toggleReport(host, id, button, slot) {
  const close = () => {
    slot.replaceChildren();
    button.setAttribute("aria-expanded", "false");
    button.focus();
  };
  if (slot.hasChildNodes()) return close();
  const reasons = el("select", { id: `report-${id}` },
    ...Object.entries(words.reportReasons).map(([value, text]) => el("option", { value, text })));
  const note = el("textarea", { id: `report-note-${id}`, rows: 2, maxlength: 1000 });
  const fault = el("p", { class: "note", role: "alert" });
  const send = busyButton({ class: "link", text: words.reportSend }, async () => {
    fault.textContent = "";
    try {
      await host.api.report(id, reasons.value, note.value.trim() || null);
    } catch (problem) {
      fault.textContent = why(problem, words.notReported);
      return;
    }
    close();
    host.announce(words.reported, true);
  });
  const cancel = el("button", { type: "button", class: "link", text: words.cancel, on: { click: close } });
  slot.replaceChildren(el("div", { class: "report", role: "group", "aria-label": words.report,
    on: { keydown: (event) => event.key === "Escape" && close() } },
    el("label", { for: reasons.id, text: words.reportAsk }), reasons,
    el("label", { for: note.id, text: words.reportNote }), note,
    el("p", {}, send, " ", cancel), fault));
  button.setAttribute("aria-expanded", "true");
  reasons.focus();
}
