// The conversation: its heading and order, the composer, the comments, and more of them.

import { Comment } from "./comment.js";
import { commenting } from "./composer.js";
import { busyButton, el } from "./dom.js";
import { Linked, linkedId, unlink } from "./linked.js";
import { more } from "./more.js";
import { save } from "./store.js";
import { why, words } from "./words.js";

const ASK = 100; // comment ids that one `me` call takes

export class Thread {
  #host;
  #sort;
  #total;
  #first;
  #turn = 0;
  #drawn = new Map();
  #waiting = new Map(); // the reader's own comments that wait for a moderator: they come with `me`, once and again
  #unasked = [];
  #marked = null;
  #heading = el("h2", { id: "talk" });
  #composer = null;
  #statements = el("div", { class: "restricted-slot" });
  #linked = new Linked(() => this.#showAll());
  #order;
  #list = el("ol", { class: "comments" });
  #empty = el("p", { class: "empty", text: words.empty, hidden: true });
  #more = el("div", { class: "more" });

  /** `host`: `{api, signal, announce(text), visible}`; `footer` as the API gives it; `begin` draws the comments. */
  constructor(host, footer, sort, onMe) {
    const open = footer.article.comments_open !== false;
    this.#sort = sort;
    this.#total = footer.counts.comments;
    this.#first = footer.comments;
    this.onMe = onMe;
    this.#host = { ...host, open, article: footer.article.id,
      drawn: (comment) => this.#note(comment), find: (id) => this.#drawn.get(id), recall: () => this.recall(),
      posted: (comment) => this.#posted(comment), deleted: (comment) => this.#deleted(comment) };
    if (open) this.#composer = commenting(this.#host, (comment) => this.#posted(comment));
    else this.#empty.textContent = words.emptyClosed;
    host.api.banned = () => this.#explain();
    this.#order = this.#makeOrder();
    this.element = el("section", { class: "talk", "aria-labelledby": "talk", on: { click: (event) => this.#follow(event) } },
      this.#heading,
      this.#composer?.element ?? el("p", { class: "closed", text: words.commentsClosed }),
      this.#statements, this.#order, this.#linked.element, this.#empty, this.#list, this.#more);
    window.addEventListener("hashchange", () => this.#go(linkedId()), { signal: host.signal });
    this.#heading.textContent = words.comments(this.#total);
  }

  /** Show the first page, or the comment that the page's address names; and what is the reader's own. */
  async begin() {
    const id = linkedId();
    if (id) return this.#show(id, true);
    this.#append(this.#first);
    await this.recall(true);
  }

  /** Ask what the reader thinks of the comments drawn since the last time (`always`: even of none), and show it. */
  async recall(always = false) {
    const ids = this.#unasked.splice(0);
    const calls = [];
    for (let at = 0; at < ids.length || (always && at === 0); at += ASK) calls.push(ids.slice(at, at + ASK));
    const answers = await Promise.allSettled(calls.map((some) => this.#host.api.me(some, this.#host.signal)));
    for (const { value: me } of answers) {
      if (!me) continue;
      for (const [id, value] of Object.entries(me.votes)) this.#drawn.get(id)?.recall(value);
      for (const [id, mine] of Object.entries(me.own ?? {})) this.#drawn.get(id)?.own(mine);
      this.#waiting = new Map(me.pending.map((comment) => [comment.id, comment]));
      this.#host.api.remember({ name: me.reader?.name ?? null });
      this.onMe(me);
    }
    this.#placeWaiting();
    if (!always) return;
    this.#composer?.identify();
    await this.#explain();
  }

  /** Say what of the reader's is restricted, and why. Nothing is, of who never wrote. */
  async #explain() {
    if (!this.#host.api.session?.token) return;
    try {
      const { explain } = await import("./statements.js");
      await explain(this.#host, this.#statements);
    } catch {
      // Nothing else is to wait for it; it comes with the next page.
    }
  }

  #makeOrder() {
    const change = () => {
      save(this.#host.api.sortKey, select.value);
      this.#resort(select.value);
    };
    const select = el("select", { id: "sort", on: { change } },
      ...Object.entries(words.sorts).map(([value, text]) => el("option", { value, text, selected: value === this.#sort })));
    return el("div", { class: "order", hidden: true }, el("label", { for: "sort", text: words.sortBy }), select);
  }

  /** Begin from the first page of an order. Answers whether it came; if not, that is said. */
  async #resort(sort) {
    const turn = (this.#turn += 1);
    this.#sort = sort;
    this.#list.setAttribute("aria-busy", "true");
    try {
      const list = await this.#host.api.comments(sort, null, this.#host.signal);
      if (turn !== this.#turn) return false;
      this.#clear();
      this.#linked.hide();
      this.#append(list);
      this.#host.announce(words.sorted(words.sorts[sort]));
      await this.recall();
      return true;
    } catch (problem) {
      if (turn === this.#turn && !this.#host.signal.aborted) this.#failed(problem, () => this.#resort(sort));
      return false;
    } finally {
      if (turn === this.#turn) this.#list.removeAttribute("aria-busy");
    }
  }

  #clear() {
    this.#drawn.clear();
    this.#unasked = [];
    this.#list.replaceChildren();
    this.#more.replaceChildren();
  }

  /** Draw a page; answers what is new of it: a comment that the reader posted is here already. */
  #append(list) {
    const added = list.items.filter(({ id }) => !this.#drawn.has(id)).map((comment) => new Comment(this.#host, comment));
    this.#list.append(...added.map(({ element }) => element));
    this.#more.replaceChildren();
    if (list.next_cursor) this.#offer(list.next_cursor);
    this.#counted();
    return added;
  }

  #offer(cursor) {
    const begin = async () => {
      if (await this.#resort(this.#sort)) this.#list.querySelector("article")?.focus();
    };
    this.#more.append(...more(this.#host, { class: "wide" }, words.moreComments, () => this.#load(cursor), begin));
  }

  async #load(cursor) {
    const turn = this.#turn;
    const added = [];
    for (let at = cursor; at && added.length === 0;) {
      const list = await this.#host.api.comments(this.#sort, at, this.#host.signal);
      if (turn !== this.#turn) return;
      added.push(...this.#append(list));
      at = list.next_cursor;
    }
    (added[0] ?? [...this.#drawn.values()].at(-1))?.focus();
    this.#host.announce(words.loaded(added.length));
    await this.recall();
  }

  #failed(problem, again) {
    this.#more.replaceChildren(
      el("p", { class: "note", role: "alert", text: why(problem, words.failedMore) }),
      busyButton({ class: "wide", text: words.tryAgain }, again));
  }

  /** A link to the comment that the page's address names already is no change of it. */
  #follow(event) {
    const link = event.target.closest?.("a[data-comment]");
    if (link && link.hash === location.hash) this.#go(link.dataset.comment);
  }

  #go(id) {
    if (!id) return this.#linked.alone ? this.#resort(this.#sort) : null;
    return this.#drawn.has(id) ? this.#mark(id) : this.#show(id);
  }

  async #mark(id) {
    await this.#host.visible;
    this.#drawn.get(this.#marked)?.mark(false);
    this.#marked = id;
    this.#drawn.get(id)?.mark(true);
  }

  /** Show one comment with those above it. */
  async #show(id, always = false) {
    const turn = (this.#turn += 1);
    let fault = null;
    try {
      const { comment, ancestors } = await this.#host.api.comment(id, this.#host.signal);
      if (turn !== this.#turn) return;
      this.#clear();
      this.#chain([...ancestors.map((above) => ({ ...above, replies: null, reply_count: 0 })), comment]);
      this.#linked.tell();
      this.#host.announce(words.linked);
      this.#counted();
      await this.#mark(id);
    } catch (problem) {
      if (turn !== this.#turn || this.#host.signal.aborted) return;
      fault = problem;
      if (!this.#list.hasChildNodes()) this.#append(this.#first);
    }
    await this.recall(always);
    if (turn !== this.#turn || !fault) return;
    // One's own that waits is there for nobody else.
    if (this.#drawn.has(id)) await this.#mark(id);
    else if (fault.status === 404) this.#linked.say(words.linkedGone);
    else this.#linked.say(why(fault, words.noLinked), () => this.#show(id));
  }

  #chain(comments) {
    let above = null;
    for (const comment of comments) {
      if (above) above = above.add(comment);
      else this.#list.append((above = new Comment(this.#host, comment)).element);
    }
  }

  async #showAll() {
    if (!(await this.#resort(this.#sort))) return;
    unlink();
    this.#list.querySelector("article")?.focus();
  }

  #note(comment) {
    this.#drawn.set(comment.id, comment);
    if (comment.votable) this.#unasked.push(comment.id);
  }

  #placeWaiting() {
    for (const comment of [...this.#waiting.values()].reverse()) {
      if (this.#drawn.has(comment.id)) continue;
      if (!this.#linked.alone || this.#drawn.has(comment.parent_id)) this.#place(comment);
    }
    this.#counted();
  }

  /** Draw a comment of the reader's own where it is listed, or on top. */
  #place(comment) {
    const place = this.#drawn.get(comment.place_id) ?? this.#drawn.get(comment.parent_id);
    if (place) return place.add(comment);
    const view = new Comment(this.#host, comment);
    this.#list.prepend(view.element);
    return view;
  }

  #posted(comment) {
    const known = this.#drawn.get(comment.id);
    (known ?? this.#place(comment)).focus();
    if (known) return;
    const pending = comment.status === "pending";
    if (pending) this.#waiting.set(comment.id, comment);
    else this.#total += 1;
    this.#counted();
    this.#host.announce(pending ? words.postedPending : words.posted);
    this.#composer?.identify();
  }

  /** A comment of one's own is gone; as a stone it stays while there are replies to it. */
  #deleted(comment) {
    this.#waiting.delete(comment.id);
    if (!comment.pending) this.#total -= 1;
    const replies = [...this.#drawn.values()].some(({ parent, pending }) => parent === comment.id && !pending);
    if (comment.answered || replies) {
      comment.empty();
      comment.focus();
    } else {
      const near = comment.element.nextElementSibling ?? comment.element.previousElementSibling ?? comment.element.parentElement.closest(".comment");
      this.#drawn.delete(comment.id);
      comment.element.remove();
      if (near) near.querySelector("article").focus();
      else this.#composer?.focus();
    }
    this.#counted();
    this.#host.announce(words.deleted);
  }

  #counted() {
    this.#heading.textContent = words.comments(this.#total);
    const none = this.#list.childElementCount === 0;
    this.#empty.hidden = !none || this.#linked.alone;
    this.#order.hidden = none || this.#linked.alone;
  }
}
