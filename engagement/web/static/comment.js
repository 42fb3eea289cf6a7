// One comment with its votes, its reply box and the replies below it.

import { Composer } from "./composer.js";
import { busyButton, el } from "./dom.js";
import { foldIfTall } from "./fold.js";
import { Votes } from "./votes.js";
import { ago, inFull, why, words } from "./words.js";

const SHOWN = new Set(["approved", "pending"]);

export class Comment {
  #host;
  #comment;
  #name;
  #votes = null;
  #replySlot = el("div", { class: "reply-slot" });
  #replies = el("ol", { class: "replies" });
  #more = el("div", { class: "more" });
  #replyButton = null;

  /** `host` as in thread.js; it is told of every comment drawn, through `host.drawn(this)`. */
  constructor(host, comment) {
    this.#host = host;
    this.#comment = comment;
    this.#name = comment.author?.name || words.anonymous;
    const shown = SHOWN.has(comment.status ?? "approved");
    this.element = el("li", { class: "comment", data: { id: comment.id, depth: comment.depth ?? 0 } },
      el("article", { tabindex: "-1", "aria-label": shown ? words.commentBy(this.#name) : words.removed },
        ...(shown ? this.#content() : [el("p", { class: "tombstone", text: words.removed })])),
      this.#replySlot, this.#replies, this.#more);
    this.appendReplies(comment.replies, comment.reply_count);
    host.drawn(this);
  }

  get id() {
    return this.#comment.id;
  }

  get votable() {
    return this.#votes !== null;
  }

  recall(value) {
    this.#votes?.recall(value);
  }

  focus() {
    this.element.querySelector("article").focus();
  }

  /** Add `{items, next_cursor, total}` below this comment and offer what is still missing. */
  appendReplies(list, expected = 0) {
    const before = this.#replies.childElementCount;
    for (const reply of list?.items ?? []) {
      if (!this.#host.has(reply.id)) this.#replies.append(new Comment(this.#host, reply).element);
    }
    const here = this.#replies.childElementCount;
    const total = list?.total ?? expected;
    // Below the depth that comes with a page, a comment has replies of which none was sent.
    const unsent = here === 0 && expected > 0;
    this.#more.replaceChildren();
    if (list?.next_cursor || unsent) this.#offer(list?.next_cursor, unsent ? expected : total - here);
    return this.#replies.children[before];
  }

  #offer(cursor, missing) {
    this.#more.append(busyButton({ class: "link", text: words.moreReplies(missing) }, async (button) => {
      try {
        const list = await this.#host.api.replies(this.id, cursor, this.#host.signal);
        const first = this.appendReplies(list);
        first?.querySelector("article").focus();
        this.#host.announce(words.loaded(list.items.length));
        await this.#host.recall();
      } catch (problem) {
        if (!this.#host.signal.aborted) button.after(el("span", { class: "note", role: "alert", text: why(problem, words.failedMore) }));
      }
    }));
  }

  #content() {
    const body = el("div", { class: "body", id: `body-${this.id}` });
    // The one place for markup: the service has sanitised it.
    body.innerHTML = this.#comment.body_html;
    foldIfTall(body);
    return [this.#byline(), body, this.#comment.status === "pending" ? el("p", { class: "pending", text: words.pending }) : this.#actions()];
  }

  #byline() {
    const { author, created_at: created, edited_at: edited, pinned, featured } = this.#comment;
    return el("header", {},
      el("span", { class: "author", text: this.#name }),
      ...(author?.badges ?? []).map((badge) => el("span", { class: "badge", text: badge.label ?? badge })),
      el("time", { datetime: created, title: inFull(created), text: ago(created) }),
      edited ? el("span", { class: "edited", title: inFull(edited), text: words.edited }) : null,
      pinned ? el("span", { class: "badge", text: words.pinned }) : null,
      featured ? el("span", { class: "badge", text: words.featured }) : null);
  }

  #actions() {
    this.#votes = new Votes(this.#host, this.#comment, this.#name);
    this.#replyButton = el("button", { type: "button", class: "link reply", text: words.reply, "aria-expanded": "false",
      "aria-label": words.replyTo(this.#name), hidden: !this.#host.open, on: { click: () => this.#toggleReply() } });
    return el("footer", { class: "actions" }, this.#votes.element, this.#replyButton);
  }

  #toggleReply() {
    if (this.#replySlot.hasChildNodes()) return this.#closeReply();
    const composer = new Composer(this.#host, { id: this.id, name: this.#name }, {
      accepted: (comment) => this.#accepted(comment),
      dismissed: () => this.#closeReply(),
    });
    this.#replySlot.append(composer.element);
    this.#replyButton.setAttribute("aria-expanded", "true");
    composer.focus();
  }

  #closeReply() {
    this.#replySlot.replaceChildren();
    this.#replyButton.setAttribute("aria-expanded", "false");
    this.#replyButton.focus();
  }

  #accepted(reply) {
    this.#closeReply();
    const view = new Comment(this.#host, reply);
    this.#replies.append(view.element);
    view.focus();
    this.#host.posted(reply);
  }
}
