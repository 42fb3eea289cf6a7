// What authors do with their own comments: edit, while the time for it lasts, and delete.

import { editing } from "./composer.js";
import { busyButton, el } from "./dom.js";
import { load } from "./store.js";
import { why, words } from "./words.js";

const LONGEST = 86_400_000; // milliseconds that a timer is set for: longer ones would overflow

export class Own {
  #host;
  #comment;
  #slot;
  #mine;
  #timer = 0;
  #edit = el("button", { type: "button", class: "link", text: words.edit, "aria-label": words.editOwn, "aria-expanded": "false",
    on: { click: () => this.#open() } });
  #delete = el("button", { type: "button", class: "link", text: words.delete, "aria-label": words.deleteOwn, on: { click: () => this.#ask() } });
  #question = el("span", { class: "question", role: "group", "aria-label": words.deleteAsk, hidden: true,
    on: { keydown: (event) => event.key === "Escape" && this.#keep() } });
  #editor = null;
  #present = el("div", { class: "present", role: "group", "aria-label": words.present, hidden: true });

  /**
   * Of `comment` (see comment.js). `mine`: `{body, revision, editable_until}`. `slot` is where the editor goes, the
   * text of the comment is hidden as long as it is there.
   */
  constructor(host, comment, mine, slot) {
    this.#host = host;
    this.#comment = comment;
    this.#slot = slot;
    this.element = el("span", { class: "own" }, this.#edit, this.#delete, this.#question);
    this.know(mine);
    host.signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Take what the service says of it now. */
  know(mine) {
    this.#mine = mine;
    clearTimeout(this.#timer);
    const left = Date.parse(mine.editable_until) - Date.now();
    this.#edit.hidden = left <= 0;
    if (left > 0) this.#timer = setTimeout(() => this.#tooLate(), Math.min(left, LONGEST));
  }

  #tooLate() {
    if (Date.parse(this.#mine.editable_until) > Date.now()) return this.know(this.#mine);
    const focused = this.#edit.matches(":focus");
    this.#edit.hidden = true;
    if (focused) this.#delete.focus();
  }

  #open() {
    if (this.#editor) return this.#editor.focus();
    this.#present.hidden = true;
    // An unfinished edit of an earlier text is not to replace a later one unseen.
    const draft = load(`${this.#host.api.draftKey}:edit:${this.#comment.id}`);
    if (draft && draft.revision !== this.#mine.revision) this.#showPresent();
    this.#editor = editing(this.#host, {
      id: this.#comment.id, body: this.#mine.body, revision: () => this.#mine.revision,
      send: (body) => this.#send(body), accepted: (comment) => this.#accepted(comment), dismissed: () => this.#close(),
    });
    this.#slot.replaceChildren(this.#present, this.#editor.element);
    this.#comment.showText(false);
    this.#edit.setAttribute("aria-expanded", "true");
    this.#editor.focus();
  }

  #close() {
    this.#editor = null;
    this.#slot.replaceChildren();
    this.#comment.showText(true);
    this.#edit.setAttribute("aria-expanded", "false");
    if (this.#edit.hidden) this.#comment.focus();
    else this.#edit.focus();
  }

  async #send(body) {
    try {
      return await this.#host.api.edit(this.#comment.id, body, this.#mine.revision);
    } catch (problem) {
      if (problem.status === 404) throw Object.assign(problem, { said: words.goneMeanwhile });
      if (problem.status !== 412) throw problem;
      return this.#overtaken(problem, body);
    }
  }

  /** Somebody was faster: the same reader in another window, or this one, whose answer was lost on the way. */
  async #overtaken(problem, body) {
    const { id } = this.#comment;
    const me = await this.#host.api.me([id], this.#host.signal);
    const mine = me?.own?.[id];
    if (!mine) throw Object.assign(problem, { said: words.goneMeanwhile });
    const now = me.pending.find((one) => one.id === id) ?? (await this.#host.api.comment(id, this.#host.signal)).comment;
    this.#comment.update({ ...now, ...mine });
    if (mine.body === body.trim().normalize("NFC")) return { ...now, ...mine };
    this.#showPresent();
    throw Object.assign(problem, { said: words.changedMeanwhile });
  }

  #showPresent() {
    this.#present.replaceChildren(el("h4", { text: words.present }), el("p", { text: this.#mine.body }));
    this.#present.hidden = false;
  }

  #accepted(comment) {
    this.#close();
    this.#comment.update(comment);
    this.#comment.focus();
    this.#host.announce(words.saved);
  }

  #ask() {
    const note = el("span", { class: "note", role: "alert" });
    const yes = busyButton({ class: "link danger", text: words.deleteYes }, async () => {
      note.textContent = "";
      try {
        await this.#host.api.remove(this.#comment.id);
      } catch (problem) {
        if (problem.status !== 404) {
          note.textContent = why(problem, words.notDeleted);
          return;
        }
      }
      clearTimeout(this.#timer);
      this.#host.deleted(this.#comment);
    });
    const no = el("button", { type: "button", class: "link", text: words.deleteNo, on: { click: () => this.#keep() } });
    this.#question.replaceChildren(el("span", { text: words.deleteAsk }), yes, no, note);
    this.#question.hidden = false;
    this.#delete.hidden = true;
    yes.focus();
  }

  #keep() {
    this.#question.hidden = true;
    this.#delete.hidden = false;
    this.#delete.focus();
  }
}
