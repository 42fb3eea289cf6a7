// Where a comment is written. The draft stays on the reader's machine until the service has accepted it.

import { el } from "./dom.js";
import { persist } from "./persist.js";
import { drop, load, save } from "./store.js";
import { why, words } from "./words.js";

const LIMIT = 5000; // characters, as the service counts them: code points
const NAME_LIMIT = 60; // characters, as the service has it
const NEAR = 500; // the count shows when fewer than this are left

let composers = 0;

export class Composer {
  #host;
  #parent;
  #accepted;
  #key;
  #draftKey;
  #sending = null;
  #text;
  #count = el("span", { class: "left", hidden: true });
  #note = el("p", { class: "note", role: "alert" });
  #identity = el("div", { class: "identity" });
  #submit;
  #cancel;

  /**
   * `parent`: `{id, name}` of the comment answered, or null. `accepted(comment)` is called once the service
   * has it, `dismissed()` when a reply is given up.
   */
  constructor(host, parent, { accepted, dismissed }) {
    this.#host = host;
    this.#parent = parent;
    this.#accepted = accepted;
    this.#draftKey = `${host.api.draftKey}:${parent?.id ?? ""}`;
    const id = `composer-${(composers += 1)}`;
    const label = parent ? words.replyTo(parent.name) : words.add;
    this.#text = el("textarea", {
      id, rows: parent ? "3" : "4", placeholder: parent ? words.writeReply(parent.name) : words.write,
      "aria-describedby": `${id}-hint`, on: { input: () => this.#typed(), keydown: (event) => this.#shortcut(event, dismissed) },
    });
    this.#submit = el("button", { type: "submit", class: "primary", text: parent ? words.postReply : words.post });
    this.#cancel = el("button", { type: "button", class: "quiet", text: words.cancel, hidden: !parent,
      on: { click: () => (this.#sending ? this.#sending.abort() : dismissed?.()) } });
    this.element = el("form", { class: "composer", novalidate: true, on: { submit: (event) => this.#submitted(event) } },
      el("label", { for: id, class: parent ? "hidden" : "title", text: label }),
      this.#text,
      el("div", { class: "under" }, el("span", { id: `${id}-hint`, class: "hint", text: words.hint }), this.#count),
      this.#identity, this.#note,
      el("div", { class: "buttons" }, this.#submit, this.#cancel));
    this.#restore();
    this.identify();
  }

  focus() {
    this.#text.focus();
  }

  /** Ask for a name before the first comment; afterwards say whose name will stand there. */
  identify(ask = !this.#host.api.session?.asked && !this.#host.api.session?.name) {
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
    this.#text.value = draft?.body ?? "";
    this.#key = draft?.key ?? freshKey();
    this.#measure();
  }

  #typed() {
    // Another text is another comment: it must not be taken for a repeat of the last one.
    this.#key = freshKey();
    if (this.#text.value) save(this.#draftKey, { body: this.#text.value, key: this.#key });
    else drop(this.#draftKey);
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

  #shortcut(event, dismissed) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      this.element.requestSubmit();
    } else if (event.key === "Escape" && this.#parent && !this.#sending) {
      dismissed?.();
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
      this.#accepted(comment);
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
    return this.#host.api.post(body, this.#parent?.id, this.#key);
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
    this.#submit.textContent = words.posting;
    this.#submit.setAttribute("aria-disabled", "true");
  }

  #done() {
    this.#sending = null;
    this.#text.readOnly = false;
    this.#submit.textContent = this.#parent ? words.postReply : words.post;
    this.#submit.removeAttribute("aria-disabled");
    this.#cancel.hidden = !this.#parent;
  }

  #refused(problem) {
    const told = why(problem, words.notPosted);
    this.#refuse(problem.retryAfter === null ? told : `${told} ${words.draftStays}`);
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

/** Random and unguessable; `crypto.randomUUID` is missing on pages without https. */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
