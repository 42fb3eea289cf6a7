// <engagement-footer site="…" article="…">: the foot of an article. One script tag defines the element:
//   <script type="module" src="https://engagement.example/static/engagement.js"></script>
// The API is where this file came from, unless the attribute `src-base` names another origin. `sort` is the order
// until the reader chooses one (best, newest, oldest, top, discussed, controversial, hot), `theme` is light, dark or auto (the reader's system; see footer.css), `signature`
// is the publisher's, for a site whose articles are signed. A page whose address ends in "#comment-ID" opens at
// that comment.

import { Api } from "./api.js";
import { busyButton, el } from "./dom.js";
import { Moods } from "./moods.js";
import { persist } from "./persist.js";
import { sayUnknown } from "./publisher.js";
import { load } from "./store.js";
import { Thread } from "./thread.js";
import { why, words } from "./words.js";

const HERE = new URL(import.meta.url);
const STYLES = new URL("footer.css", HERE);

class EngagementFooter extends HTMLElement {
  static observedAttributes = ["site", "article", "src-base", "sort", "signature"];

  #life = null;
  #visible = null;
  #root = this.attachShadow({ mode: "open" });
  #status = el("p", { class: "hidden", role: "status" });
  #toast = el("p", { class: "toast", role: "alert", hidden: true });
  #offline = el("p", { class: "offline", text: words.offline, hidden: true });
  #content = el("div", { class: "content" });

  connectedCallback() {
    if (!this.#root.hasChildNodes()) this.#furnish();
    window.addEventListener("online", this.#network);
    window.addEventListener("offline", this.#network);
    this.#network();
    this.#start();
  }

  disconnectedCallback() {
    this.#life?.abort();
    window.removeEventListener("online", this.#network);
    window.removeEventListener("offline", this.#network);
  }

  attributeChangedCallback(name, before, after) {
    if (this.isConnected && this.#life && before !== after) this.#start();
  }

  #furnish() {
    const frame = el("div", { class: "frame", hidden: true }, this.#status, this.#offline, this.#content, this.#toast);
    const link = el("link", { rel: "stylesheet", href: STYLES.href });
    // Nothing is seen before its style is there; without any style it is still of use.
    this.#visible = new Promise((resolve) => {
      const reveal = () => {
        frame.hidden = false;
        resolve();
      };
      link.addEventListener("load", reveal);
      link.addEventListener("error", reveal);
    });
    this.#root.append(link, frame);
  }

  async #start() {
    this.#life?.abort();
    const life = (this.#life = new AbortController());
    const site = this.getAttribute("site");
    const article = this.getAttribute("article");
    if (!site || !article) return;
    const origin = new URL(this.getAttribute("src-base") ?? "/", HERE).href.replace(/\/$/, "");
    const api = new Api(origin, site, article, this.getAttribute("signature"));
    const host = { api, signal: life.signal, visible: this.#visible, announce: (...told) => this.#announce(...told) };
    this.#content.replaceChildren(skeleton());
    this.#content.setAttribute("aria-busy", "true");
    try {
      const orders = [load(api.sortKey), this.getAttribute("sort"), "newest"];
      const sort = orders.find((order) => Object.hasOwn(words.sorts, order));
      const footer = await persist(() => host.api.footer(sort, life.signal), {
        signal: life.signal,
        onWait: (problem, seconds) => this.#waiting(problem, seconds, life),
      });
      if (life.signal.aborted) return;
      if (unknown(footer)) sayUnknown(site, article);
      await this.#show(host, footer, sort);
    } catch (problem) {
      if (!life.signal.aborted) this.#failed(why(problem, ""));
    }
  }

  async #show(host, footer, sort) {
    const moods = new Moods(host, footer.reactions, footer.article.reactions_open !== false);
    const thread = new Thread(host, footer, sort, (me) => moods.recall(me.mood));
    this.#content.replaceChildren(moods.element, thread.element);
    this.#content.removeAttribute("aria-busy");
    await thread.begin();
  }

  #waiting(problem, seconds, life) {
    if (life.signal.aborted) return;
    // No answer at all and nobody said when to return: let the reader decide.
    if (problem.status === 0) return this.#failed();
    const note = this.#content.querySelector(".note") ?? this.#content.appendChild(el("p", { class: "note" }));
    note.textContent = words.busyLoading(seconds);
    this.#announce(note.textContent);
  }

  #failed(detail) {
    // Said already, while it is still tried: the button may have the focus.
    if (!detail && this.#content.querySelector(".failed")) return;
    this.#content.removeAttribute("aria-busy");
    this.#content.replaceChildren(el("div", { class: "failed", role: "alert" },
      el("p", { text: words.failed }), detail ? el("p", { class: "hint", text: detail }) : null,
      busyButton({ class: "wide", text: words.tryAgain }, () => this.#start())));
  }

  /** Tell the reader: spoken always, also shown where it concerns no single part of the page. */
  #announce(text, shown = false) {
    const place = shown ? this.#toast : this.#status;
    this.#toast.hidden = !shown;
    place.textContent = text;
  }

  #network = () => {
    this.#offline.hidden = navigator.onLine !== false;
  };
}

/** Whether it looks like an article that nobody has put, on a site where readers may not bring one into being. */
function unknown({ article, counts }) {
  return article.comments_open === false && article.reactions_open === false && (article.title ?? null) === null &&
    counts.comments === 0 && counts.reactions === 0;
}

function skeleton() {
  const line = (kind) => el("span", { class: `bone ${kind}` });
  return el("div", { class: "skeleton" }, el("p", { class: "hidden", text: words.loading }),
    line("title"), el("div", { class: "moods" }, ...Array.from({ length: 8 }, () => line("tile"))),
    line("title"), line("box"), line("text"), line("text short"));
}

if (!customElements.get("engagement-footer")) customElements.define("engagement-footer", EngagementFooter);
