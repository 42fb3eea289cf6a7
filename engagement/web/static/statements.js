// Why something of the reader's own is restricted (a comment of this article, or all that they write), and the appeal.

import { busyButton, el } from "./dom.js";
import { inFull, why, words } from "./words.js";

/** How long the outcome of an appeal that was granted is told: two weeks, in milliseconds. */
const NEWS = 14 * 86_400_000;

/** Ask what is restricted, and show it in `slot`. */
export async function explain(host, slot) {
  const found = await host.api.statements(host.signal);
  const stands = (one) => one.withdrawn_at === null && (one.ends_at === null || Date.parse(one.ends_at) > Date.now());
  const heard = (one) => one.appeal?.state === "granted" && Date.parse(one.appeal.decided_at) > Date.now() - NEWS;
  const here = (one) => one.comment_id === null || one.article === host.article;
  const shown = (found?.items ?? []).filter((one) => (stands(one) || heard(one)) && here(one));
  if (shown.length === 0) return slot.replaceChildren();
  slot.replaceChildren(el("section", { class: "restricted", "aria-label": words.statements },
    el("h3", { text: words.statements }), el("ul", { class: "statements" }, ...shown.map((one) => draw(host, one)))));
}

function draw(host, one) {
  const ground = one.ground === "illegal" ? words.groundLaw(one.ground_reference) : words.groundRule(one.ground_reference);
  const slot = el("div", { class: "appeal" });
  const item = el("li", { tabindex: "-1" },
    el("strong", { text: one.withdrawn_at === null ? words.restrictions[one.restriction] ?? words.restrictions.other : words.lifted }),
    el("p", { text: one.facts || one.label }), el("p", { class: "hint", text: ground }),
    one.ends_at && one.withdrawn_at === null ? el("p", { class: "hint", text: words.until(inFull(one.ends_at)) }) : null,
    one.automated_decision ? el("p", { class: "hint", text: words.automated }) : null,
    one.withdrawn_at === null ? el("p", { class: "hint", text: one.redress }) : null, slot);
  if (one.appeal) slot.append(...tell(one.appeal));
  else if (Date.parse(one.appeal_until) > Date.now()) offer(host, one, slot, item);
  return item;
}

function tell({ state, answer }) {
  const told = el("p", { text: words.appeals[state] ?? words.appeals.open });
  return answer ? [told, el("p", { class: "answer", text: words.answered(answer) })] : [told];
}

function offer(host, one, slot, item) {
  const button = el("button", { type: "button", class: "link", text: words.appeal, on: { click: () => open(host, one, slot, item) } });
  slot.replaceChildren(button);
  return button;
}

function open(host, one, slot, item) {
  const box = el("textarea", { id: `appeal-${one.id}`, rows: 3, maxlength: 5000 });
  const fault = el("p", { class: "note", role: "alert" });
  const cancel = () => offer(host, one, slot, item).focus();
  const send = busyButton({ class: "link", text: words.appealSend }, async () => {
    fault.textContent = box.value.trim() ? "" : words.blank;
    if (fault.textContent) return;
    try {
      const { appeal } = await host.api.appeal(one.id, box.value);
      slot.replaceChildren(...tell(appeal));
      item.focus();
      host.announce(words.appealed);
    } catch (problem) {
      fault.textContent = why(problem, words.notAppealed);
    }
  });
  slot.replaceChildren(el("label", { for: box.id, text: words.appealWhy }), box,
    el("p", {}, send, " ", el("button", { type: "button", class: "link", text: words.cancel, on: { click: cancel } })), fault);
  box.focus();
}
