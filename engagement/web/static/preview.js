// "Write" and "Preview": two tabs over one text. What is previewed is rendered by the service, as a comment is.

import { el } from "./dom.js";
import { why, words } from "./words.js";

export class Preview {
  #host;
  #text;
  #tabs;
  #writing;
  #panel;
  #shown = null;
  #turn = 0;

  /** Over `text`, a textarea with an id; `element` goes where that would, `tabs` above it. */
  constructor(host, text) {
    this.#host = host;
    this.#text = text;
    this.#tabs = [words.writeTab, words.previewTab].map((name, at) => el("button", {
      type: "button", role: "tab", id: `${text.id}-tab-${at}`, class: "tab", text: name, "aria-controls": `${text.id}-panel-${at}`,
      on: { click: () => this.#select(at) },
    }));
    [this.#writing, this.#panel] = this.#tabs.map((tab, at) =>
      el("div", { role: "tabpanel", id: `${text.id}-panel-${at}`, "aria-labelledby": tab.id }));
    this.#writing.append(text);
    this.#panel.classList.add("preview", "body");
    this.#panel.tabIndex = 0;
    this.tabs = el("div", { class: "tabs", role: "tablist", "aria-label": words.tabs, on: { keydown: (event) => this.#arrow(event) } }, ...this.#tabs);
    this.element = el("div", {}, this.#writing, this.#panel);
    this.#show(0);
  }

  /** Back to the text. */
  write() {
    this.#show(0);
  }

  #arrow(event) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const other = this.#tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "false");
    this.#tabs[other].focus();
    this.#select(other);
  }

  #show(at) {
    this.#tabs.forEach((tab, each) => {
      tab.setAttribute("aria-selected", String(each === at));
      tab.tabIndex = each === at ? 0 : -1;
    });
    this.#writing.hidden = at !== 0;
    this.#panel.hidden = at === 0;
  }

  async #select(at) {
    const height = this.#text.offsetHeight;
    if (height) this.#panel.style.minHeight = `${height}px`;
    this.#show(at);
    if (at === 0) return;
    const body = this.#text.value;
    if (!body.trim()) this.#say(words.nothingYet);
    else if (body !== this.#shown) await this.#load(body);
  }

  async #load(body) {
    this.#say(words.previewing);
    const turn = this.#turn;
    this.#panel.setAttribute("aria-busy", "true");
    try {
      const { body_html: html } = await this.#host.api.preview(body, this.#host.signal);
      if (turn !== this.#turn) return;
      // As in a comment: the service has sanitised it.
      this.#panel.innerHTML = html;
      this.#shown = body;
      this.#host.announce(words.previewed);
    } catch (problem) {
      if (turn === this.#turn && !this.#host.signal.aborted) this.#say(why(problem, words.noPreview), "alert");
    } finally {
      if (turn === this.#turn) this.#panel.removeAttribute("aria-busy");
    }
  }

  #say(text, role = null) {
    this.#turn += 1;
    this.#shown = null;
    this.#panel.replaceChildren(el("p", { class: role ? "note" : "hint", role, text }));
  }
}
