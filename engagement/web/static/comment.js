// One comment with its votes, its reply box, what its author may do with it, and the replies below it.

import { replying } from "./composer.js";
import { el } from "./dom.js";
import { foldIfTall } from "./fold.js";
import { linkTo } from "./linked.js";
import { more } from "./more.js";
import { Own } from "./own.js";
import { Votes } from "./votes.js";
import { ago, inFull, words } from "./words.js";

const SHOWN = new Set(["approved", "pending"]);

export class Comment {
  #host;
  #comment;
  #place;
  #votes = null;
  #own = null;
  #report = null;
  #article;
  #byline;
  #text = el("div", {});
  #actions = el("footer", { class: "actions" });
  #editSlot = el("div", { class: "edit-slot" });
  #reportSlot = el("div", { class: "report-slot" });
  #replySlot = el("div", { class: "reply-slot" });
  #replies = el("ol", { class: "replies" });
  #more = el("div", { class: "more" });
  #replyButton = null;

  /**
   * `host` as in thread.js; it is told of every comment drawn, through `host.drawn(this)`. `place`: the id of the
   * comment in whose list this one stands, null in the article's. The text as its author wrote it may be with it.
   */
  constructor(host, comment, place = null) {
    this.#host = host;
    this.#comment = comment;
    this.#place = place;
    this.#article = el("article", { tabindex: "-1" });
    this.element = el("li", { class: "comment", data: { id: comment.id, depth: comment.depth ?? 0 } },
      this.#article, this.#replySlot, this.#replies, this.#more);
    if (SHOWN.has(comment.status ?? "approved")) this.#furnish();
    else this.empty();
    host.drawn(this);
    this.appendReplies(comment.replies, comment.reply_count);
  }

  get id() {
    return this.#comment.id;
  }

  get parent() {
    return this.#comment.parent_id;
  }

  get name() {
    return this.#comment.author?.name || words.anonymous;
  }

  get pending() {
    return this.#comment.status === "pending";
  }

  get removed() {
    return !SHOWN.has(this.#comment.status ?? "approved");
  }

  get votable() {
    return this.#votes !== null;
  }

  /** Whether a moderator has closed its thread. */
  get closed() {
    return this.#comment.replies_open === false;
  }

  /** Whether replies to it are shown, here or further down. */
  get answered() {
    return this.#replies.hasChildNodes() || this.#comment.reply_count > 0;
  }

  recall(value) {
    this.#votes?.recall(value);
  }

  /** It is the reader's: `{body, revision, editable_until}`. */
  own(mine) {
    if (this.removed) return;
    if (this.#own) return this.#own.know(mine);
    this.#report?.remove();
    this.#reportSlot.replaceChildren();
    this.#own = new Own(this.#host, this, mine, this.#editSlot);
    this.#actions.append(this.#own.element);
  }

  /** Draw what it says by now; votes, replies and focus stay. */
  update(comment) {
    this.#comment = { ...this.#comment, ...comment };
    this.#say();
    if (comment.body !== undefined) this.own(comment);
  }

  showText(shown) {
    this.#text.hidden = !shown;
  }

  /** A stone that holds its place in the thread. */
  empty() {
    this.#comment = { ...this.#comment, status: "removed", author: null };
    this.#votes = this.#own = null;
    this.#replySlot.replaceChildren();
    this.#article.setAttribute("aria-label", words.removed);
    this.#article.replaceChildren(el("p", { class: "tombstone", text: words.removed }));
  }

  focus() {
    this.#article.focus();
  }

  /** Show which one it is that a link names. */
  mark(marked) {
    this.#article.classList.toggle("marked", marked);
    if (!marked) return;
    this.#article.scrollIntoView({ block: "start" });
    this.#article.focus({ preventScroll: true });
  }

  /** Put one comment below this one, at the end; answers how it is drawn. */
  add(comment) {
    const view = new Comment(this.#host, comment, this.id);
    this.#replies.append(view.element);
    return view;
  }

  /** Add `{items, next_cursor, total}` below this comment and offer what is still missing; answers the new ones. */
  appendReplies(list, expected = 0) {
    const added = (list?.items ?? []).filter((reply) => !this.#host.find(reply.id)).map((reply) => this.add(reply));
    const here = this.#replies.childElementCount;
    const total = list?.total ?? expected;
    // Of some comments, such as one that waits, no replies are sent along.
    const unsent = here === 0 && expected > 0;
    this.#more.replaceChildren();
    if (list?.next_cursor || unsent) this.#offer(list?.next_cursor, unsent ? expected : total - here);
    return added;
  }

  #offer(cursor, missing) {
    const label = words.moreReplies(missing);
    this.#more.append(...more(this.#host, { class: "link" }, label, () => this.#load(cursor), () => this.#load(null)));
  }

  async #load(cursor) {
    const added = this.appendReplies(await this.#host.api.replies(this.id, cursor, this.#host.signal));
    (added[0] ?? this).focus();
    this.#host.announce(words.loaded(added.length));
    await this.#host.recall();
  }

  #furnish() {
    this.#article.append(this.#text, this.#editSlot, this.#actions, this.#reportSlot);
    this.#say();
    if (!this.pending) this.#furnishActions();
    if (this.#comment.body !== undefined) this.own(this.#comment);
  }

  #say() {
    this.#article.setAttribute("aria-label", words.commentBy(this.name));
    const byline = this.#makeByline();
    if (this.#byline) this.#byline.replaceWith(byline);
    else this.#article.prepend(byline);
    this.#byline = byline;
    const body = el("div", { class: "body", id: `body-${this.id}` });
    // Apart from previews the one place for markup: the service has sanitised it.
    body.innerHTML = this.#comment.body_html;
    this.#text.replaceChildren(body);
    foldIfTall(body);
    if (this.pending) this.#text.append(el("p", { class: "pending", text: words.heldFor(this.#comment.held_for) }));
  }

  #makeByline() {
    const { author, created_at: created, edited_at: edited, pinned, featured } = this.#comment;
    const badges = [...(author?.badges ?? []).map((badge) => badge.label ?? badge),
      pinned && words.pinned, featured && words.featured, this.pending && words.pending].filter(Boolean);
    const when = [words.permalink(ago(created)), el("time", { datetime: created, text: ago(created) })];
    // Whoever keeps the picture is told by nobody which article is read.
    const avatar = author?.avatar_url && el("img", { class: "avatar", alt: "", width: 24, height: 24, loading: "lazy",
      referrerpolicy: "no-referrer", src: author.avatar_url, on: { error: () => avatar.remove() } });
    return el("header", {},
      avatar || null,
      el("span", { class: "author", text: this.name }),
      ...badges.map((text) => el("span", { class: "badge", text })),
      linkTo(this.id, { class: "when", title: inFull(created), "aria-label": when[0] }, when[1]),
      edited ? el("time", { class: "edited", datetime: edited, title: inFull(edited), text: words.edited(ago(edited)) }) : null,
      this.#inReplyTo());
  }

  /** Where threads are nested no deeper, replies to replies stand in one list. */
  #inReplyTo() {
    const parent = this.parent ?? null;
    if (parent === null || parent === this.#place) return null;
    const view = this.#host.find(parent);
    const text = !view ? words.inReplyToOther : view.removed ? words.inReplyToRemoved : words.inReplyTo(view.name);
    return linkTo(parent, { class: "answers", text });
  }

  #furnishActions() {
    this.#votes = new Votes(this.#host, this.#comment, this.name);
    this.#replyButton = el("button", { type: "button", class: "link reply", text: words.reply, "aria-expanded": "false",
      "aria-label": words.replyTo(this.name), hidden: !this.#host.open || this.closed, on: { click: () => this.#toggleReply() } });
    this.#report = el("button", { type: "button", class: "link", text: words.report, "aria-label": words.reportOf(this.name),
      "aria-expanded": "false", on: { click: () => this.#toggleReport() } });
    this.#actions.append(this.#votes.element, this.#replyButton, this.#report);
    if (this.#host.open && this.closed && !this.#saidAbove()) this.#actions.append(el("span", { class: "hint", text: words.threadClosed }));
  }

  /** What is said of a thread is said once, by the first of it that is drawn. */
  #saidAbove() {
    const above = this.#host.find(this.#place);
    return Boolean(above?.closed) && !above.removed;
  }

  /** Few readers ever report: what it takes is loaded then. */
  async #toggleReport() {
    const { toggleReport } = await import("./report.js");
    toggleReport(this.#host, this.id, this.#report, this.#reportSlot);
  }

  #toggleReply() {
    if (this.#replySlot.hasChildNodes()) return this.#closeReply();
    const composer = replying(this.#host, this, (comment) => this.#accepted(comment), () => this.#closeReply());
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
    this.#host.posted(reply);
  }
}
