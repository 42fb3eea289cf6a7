// Where a comment is written. The draft stays on the reader's machine until the service has accepted it.

import { el } from "./dom.js";
import { persist } from "./persist.js";
import { Preview } from "./preview.js";
import { drop, load, save } from "./store.js";
import { why, words } from "./words.js";

const LIMIT = 5000; // characters, as the service counts them: code points
const NAME_LIMIT = 60; // characters, as the service has it
const NEAR = 500; // the count shows when fewer than this are left

let composers = 0;

export class Composer {
  #host;
  #task;
  #key;
  #draftKey;
  #sending = null;
  #text;
  #preview;
  #count = el("span", { class: "left", hidden: true });
  #note = el("p", { class: "note", role: "alert" });
  #identity = el("div", { class: "identity" });
  #submit;
  #cancel;

  /**
   * `task`: `draft`, the name of what is typed; `label`, `placeholder`, `submit` and `busy`, words; `failed`, what is
   * said where nobody gave a reason; `body`, the text at first; `named`, whether it asks for a name; `titled`, whether
   * the label is seen; `revision()`, what is kept with the draft; `send(body, key)` answers a promise of the comment; `accepted(comment)` is called with it;
   * `dismissed()`, where the reader may give it up.
   */
  constructor(host, task) {
    this.#host = host;
    this.#task = task;
    this.#draftKey = `${host.api.draftKey}:${task.draft}`;
    const id = `composer-${(composers += 1)}`;
    this.#text = el("textarea", {
      id, rows: task.titled ? "4" : "3", placeholder: task.placeholder ?? null,
      "aria-describedby": `${id}-hint`, on: { input: () => this.#typed(), keydown: (event) => this.#shortcut(event) },
    });
    this.#preview = new Preview(host, this.#text);
    this.#submit = el("button", { type: "submit", class: "primary", text: task.submit });
    this.#cancel = el("button", { type: "button", class: "quiet", text: words.cancel, hidden: !task.dismissed,
      on: { click: () => (this.#sending ? this.#sending.abort() : task.dismissed?.()) } });
    this.element = el("form", { class: "composer", novalidate: true, on: { submit: (event) => this.#submitted(event) } },
      el("div", { class: "over" }, el("label", { for: id, class: task.titled ? "title" : "hidden", text: task.label }), this.#preview.tabs),
      this.#preview.element,
      el("div", { class: "under" }, el("span", { id: `${id}-hint`, class: "hint", text: words.hint }), this.#count),
      this.#identity, this.#note,
      el("div", { class: "buttons" }, this.#submit, this.#cancel));
    this.#restore();
    this.identify();
  }

  focus() {
    this.#preview.write();
    this.#text.focus();
  }

  /** Ask for a name before the first comment; afterwards say whose name will stand there. */
  identify(ask = !this.#host.api.session?.asked && !this.#host.api.session?.name) {
    if (!this.#task.named) return;
    if (ask) {
      if (this.#identity.querySelector("input")?.value) return; // A name half typed is not taken away.
      const id = `${this.#text.id}-name`;
      const name = this.#host.api.session?.name ?? "";
      this.#identity.replaceChildren(el("label", { for: id, text: words.name }),
        el("input", { id, type: "text", maxlength: NAME_LIMIT, autocomplete: "nickname", value: name }));
    } else {
      const change = () => {
        this.identify(true);
        this.#identity.querySelector("input").focus();
      };
      this.#identity.replaceChildren(
        el("span", { text: words.speakingAs(this.#host.api.session?.name || words.anonymous) }),
        el("button", { type: "button", class: "link", text: words.changeName, on: { click: change } }));
    }
  }

  #restore() {
    const draft = load(this.#draftKey);
    this.#text.value = draft?.body ?? this.#task.body ?? "";
    this.#key = draft?.key ?? freshKey();
    this.#measure();
  }

  #typed() {
    // Another text is another comment: it must not be taken for a repeat of the last one.
    this.#key = freshKey();
    if (this.#text.value === (this.#task.body ?? "")) drop(this.#draftKey);
    else save(this.#draftKey, { body: this.#text.value, key: this.#key, revision: this.#task.revision?.() });
    this.#note.textContent = "";
    this.#measure();
  }

  #measure() {
    const left = LIMIT - [...this.#text.value].length;
    this.#count.hidden = left > NEAR;
    this.#count.textContent = words.left(left);
    this.#count.classList.toggle("over", left < 0);
    this.#text.setAttribute("aria-invalid", String(left < 0));
    // Grows with the text, in browsers that cannot do it by themselves.
    if (!CSS.supports("field-sizing", "content")) {
      this.#text.style.height = "auto";
      this.#text.style.height = `${Math.min(this.#text.scrollHeight + 2, 480)}px`;
    }
    return left;
  }

  #shortcut(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      this.element.requestSubmit();
    } else if (event.key === "Escape" && !this.#sending) {
      this.#task.dismissed?.();
    }
  }

  async #submitted(event) {
    event.preventDefault();
    if (this.#sending) return;
    const body = this.#text.value;
    if (!body.trim()) return this.#refuse(words.blank);
    if (this.#measure() < 0) return this.#refuse(this.#count.textContent);
    this.#busy(new AbortController());
    try {
      const comment = await persist(() => this.#send(body), { signal: this.#sending.signal, onWait: (...wait) => this.#wait(...wait) });
      drop(this.#draftKey);
      this.#text.value = "";
      this.#key = freshKey();
      this.#note.textContent = "";
      this.#measure();
      this.#host.api.remember({ asked: true });
      this.#done();
      this.#task.accepted(comment);
      this.identify();
    } catch (problem) {
      this.#done();
      if (problem.name === "AbortError") this.#note.textContent = "";
      else this.#refused(problem);
    }
  }

  async #send(body) {
    const field = this.#identity.querySelector("input");
    if (field) await this.#host.api.rename(field.value.trim() || null);
    return this.#task.send(body, this.#key);
  }

  #wait(problem, seconds) {
    this.#note.textContent = navigator.onLine === false ? words.keptDraftOffline : words.keptDraft(seconds);
    this.#cancel.hidden = false;
  }

  #busy(controller) {
    this.#sending = controller;
    this.#host.signal.addEventListener("abort", () => controller.abort(), { signal: controller.signal });
    this.#note.textContent = "";
    this.#identity.querySelector("input")?.removeAttribute("aria-invalid");
    this.#text.readOnly = true;
    this.#submit.textContent = this.#task.busy;
    this.#submit.setAttribute("aria-disabled", "true");
  }

  #done() {
    this.#sending = null;
    this.#text.readOnly = false;
    this.#submit.textContent = this.#task.submit;
    this.#submit.removeAttribute("aria-disabled");
    this.#cancel.hidden = !this.#task.dismissed;
  }

  #refused(problem) {
    const told = why(problem, this.#task.failed);
    this.#refuse(problem.retryAfter === null && problem.kind !== "closed" ? told : `${told} ${words.draftStays}`);
    const name = this.#identity.querySelector("input");
    if (name && Object.hasOwn(problem.errors, "name")) {
      name.setAttribute("aria-invalid", "true");
      name.focus();
    }
  }

  #refuse(text) {
    this.#note.textContent = text;
    this.focus();
  }
}

/** A comment of its own. `accepted(comment)` is called once the service has it. */
export function commenting(host, accepted) {
  return new Composer(host, { draft: "", label: words.add, titled: true, placeholder: words.write, submit: words.post, busy: words.posting,
    failed: words.notPosted, named: true, send: (body, key) => host.api.post(body, null, key), accepted });
}

/** An answer to the comment `id` by `name`. */
export function replying(host, { id, name }, accepted, dismissed) {
  return new Composer(host, { draft: id, label: words.replyTo(name), placeholder: words.writeReply(name), submit: words.postReply, busy: words.posting,
    failed: words.notPosted, named: true, send: (body, key) => host.api.post(body, id, key), accepted, dismissed });
}

/** Another text for the comment `id`, which says `body` now; `revision()`, `send` and the others as for a Composer. */
export function editing(host, { id, body, ...rest }) {
  return new Composer(host, { draft: `edit:${id}`, label: words.editOwn, submit: words.save, busy: words.saving,
    failed: words.notChanged, body, named: false, ...rest });
}

/** Random and unguessable; `crypto.randomUUID` is missing on pages without https. */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
