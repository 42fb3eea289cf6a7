// The conversation: its heading and order, the composer, the comments, and more of them.

import { Comment } from "./comment.js";
import { Composer } from "./composer.js";
import { busyButton, el } from "./dom.js";
import { why, words } from "./words.js";

const ASK = 100; // comment ids that one `me` call takes

export class Thread {
  #host;
  #sort;
  #total;
  #turn = 0;
  #drawn = new Map();
  #unasked = [];
  #heading = el("h2", { id: "talk" });
  #composer = null;
  #list = el("ol", { class: "comments" });
  #empty = el("p", { class: "empty", text: words.empty, hidden: true });
  #more = el("div", { class: "more" });

  /** `host`: `{api, signal, announce(text)}`; `footer` as the API gives it. */
  constructor(host, footer, sort, onMe) {
    const open = footer.article.comments_open !== false;
    this.#sort = sort;
    this.#total = footer.counts.comments;
    this.onMe = onMe;
    this.#host = { ...host, open,
      drawn: (comment) => this.#note(comment), has: (id) => this.#drawn.has(id),
      recall: () => this.recall(), posted: (comment) => this.#posted(comment) };
    if (open) this.#composer = new Composer(this.#host, null, { accepted: (comment) => this.#accepted(comment) });
    else this.#empty.textContent = words.emptyClosed;
    this.element = el("section", { class: "talk", "aria-labelledby": "talk" },
      this.#heading,
      this.#composer?.element ?? el("p", { class: "closed", text: words.commentsClosed }),
      this.#order(), this.#empty, this.#list, this.#more);
    this.#append(footer.comments);
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
      this.#pending(me.pending ?? []);
      this.#host.api.remember({ name: me.reader?.name ?? null });
      this.onMe(me);
    }
    if (always) this.#composer?.identify();
  }

  #order() {
    const select = el("select", { id: "sort", on: { change: () => this.#resort(select.value) } },
      ...Object.entries(words.sorts).map(([value, text]) => el("option", { value, text, selected: value === this.#sort })));
    this.orderElement = el("div", { class: "order" }, el("label", { for: "sort", text: words.sortBy }), select);
    return this.orderElement;
  }

  async #resort(sort) {
    const turn = (this.#turn += 1);
    this.#sort = sort;
    this.#list.setAttribute("aria-busy", "true");
    try {
      const list = await this.#host.api.comments(sort, null, this.#host.signal);
      if (turn !== this.#turn) return;
      this.#drawn.clear();
      this.#unasked = [];
      this.#list.replaceChildren();
      this.#append(list);
      this.#host.announce(words.sorted(words.sorts[sort]));
      await this.recall();
    } catch (problem) {
      if (turn === this.#turn && !this.#host.signal.aborted) this.#failed(problem, () => this.#resort(sort));
    } finally {
      if (turn === this.#turn) this.#list.removeAttribute("aria-busy");
    }
  }

  #append(list) {
    const before = this.#list.childElementCount;
    for (const comment of list.items) {
      // A comment that the reader posted, or that moved while paging, is here already.
      if (!this.#drawn.has(comment.id)) this.#list.append(new Comment(this.#host, comment).element);
    }
    this.#more.replaceChildren();
    if (list.next_cursor) this.#offer(list.next_cursor);
    this.#counted();
    return this.#list.children[before];
  }

  #offer(cursor) {
    const turn = this.#turn;
    this.#more.append(busyButton({ class: "wide", text: words.moreComments }, async (button) => {
      button.textContent = words.loadingMore;
      try {
        const list = await this.#host.api.comments(this.#sort, cursor, this.#host.signal);
        if (turn !== this.#turn) return;
        this.#append(list)?.querySelector("article").focus();
        this.#host.announce(words.loaded(list.items.length));
        await this.recall();
      } catch (problem) {
        if (turn !== this.#turn || this.#host.signal.aborted) return;
        button.textContent = words.moreComments;
        // An expired walk cannot go on: begin it again from its first page.
        if (problem.status === 410) await this.#resort(this.#sort);
        else this.#host.announce(why(problem, words.failedMore), true);
      }
    }));
  }

  #failed(problem, again) {
    this.#more.replaceChildren(
      el("p", { class: "note", role: "alert", text: why(problem, words.failedMore) }),
      busyButton({ class: "wide", text: words.tryAgain }, again));
  }

  #note(comment) {
    this.#drawn.set(comment.id, comment);
    if (comment.votable) this.#unasked.push(comment.id);
  }

  #pending(comments) {
    for (const comment of comments) {
      if (comment?.id && comment.body_html !== undefined && !this.#drawn.has(comment.id)) this.#list.prepend(new Comment(this.#host, comment).element);
    }
    this.#counted();
  }

  #accepted(comment) {
    if (this.#drawn.has(comment.id)) return this.#drawn.get(comment.id).focus();
    const view = new Comment(this.#host, comment);
    this.#list.prepend(view.element);
    view.focus();
    this.#posted(comment);
  }

  #posted(comment) {
    const pending = comment.status === "pending";
    if (!pending) this.#total += 1;
    this.#counted();
    this.#host.announce(pending ? words.postedPending : words.posted);
    this.#composer?.identify();
  }

  #counted() {
    this.#heading.textContent = words.comments(this.#total);
    const none = this.#list.childElementCount === 0;
    this.#empty.hidden = !none;
    this.orderElement.hidden = none;
  }
}
