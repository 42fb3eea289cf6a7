// A link to one comment is the publisher's page with "#comment-ID"; whoever comes by one is told so above it.

import { busyButton, el } from "./dom.js";
import { words } from "./words.js";

const HASH = /^#comment-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** The id of the comment that the page's address names, or null. */
export const linkedId = () => HASH.exec(location.hash)?.[1].toLowerCase() ?? null;

/** A link to a comment. The page may have a <base>, so the address is whole. */
export function linkTo(id, props, ...children) {
  return el("a", { href: `${location.href.split("#")[0]}#comment-${id}`, data: { comment: id }, ...props }, ...children);
}

/** Take the comment out of the page's address: what is shown now is all of them. */
export function unlink() {
  if (linkedId()) history.replaceState(history.state, "", location.pathname + location.search);
}

/** What stands above a linked comment, or in its place. */
export class Linked {
  element = el("div", { class: "linked", hidden: true });
  #showAll;
  #alone = false;

  /** `showAll()` (async) brings the whole conversation back. */
  constructor(showAll) {
    this.#showAll = showAll;
  }

  /** Whether a linked comment is shown, and no others. */
  get alone() {
    return this.#alone;
  }

  /** Say that the one comment below is a linked one. */
  tell() {
    this.#alone = true;
    this.#show(el("h3", { text: words.linked }));
  }

  /** Say that it can't be shown; `again` (async) tries once more. */
  say(text, again = null) {
    this.#show(el("p", { text, role: "alert" }), ...(again ? [busyButton({ class: "quiet", text: words.tryAgain }, again)] : []));
  }

  hide() {
    this.#alone = false;
    this.element.hidden = true;
  }

  #show(...children) {
    if (this.#alone) children.push(busyButton({ class: "quiet", text: words.showAllComments }, this.#showAll));
    this.element.replaceChildren(...children);
    this.element.hidden = false;
  }
}
