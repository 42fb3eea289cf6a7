/** The queue by keyboard: moving from card to card, deciding, undoing, selecting; claims while one reads. */

const CLAIM_AFTER = 300; // milliseconds on a card: who passes by claims nothing
const RENEW = 45_000; // milliseconds; a claim lasts two minutes
const AHEAD = 3; // undecided cards, below which more are fetched
const KEYS = "engagement:moderate:keys";

export function queue(cards) {
  const undoable = []; // ids of cards that were decided on here, the last one last
  let at = null; // the card that one is on
  let waiting = false; // for more cards, to go to the first of them
  let timer = 0;
  let active = false; // has anybody done something since the claim was renewed?

  const live = () => [...cards.querySelectorAll("article.card")];
  const go = (card) => {
    if (!card) return;
    card.focus({ preventScroll: true });
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    card.scrollIntoView({ block: "nearest", behavior: smooth ? "smooth" : "auto" });
  };
  const more = () => document.querySelector("#more a");

  const claim = (card) => {
    const place = card?.isConnected && card.querySelector("[data-claims]");
    if (place) htmx.trigger(place, "claim");
  };

  cards.addEventListener("focusin", (event) => {
    const card = event.target.closest("article.card");
    if (!card || card === at) return;
    at = card;
    clearTimeout(timer);
    timer = setTimeout(() => at === card && claim(card), CLAIM_AFTER);
  });
  setInterval(() => {
    if (active && !document.hidden) claim(at);
    active = false;
  }, RENEW);
  for (const type of ["keydown", "pointerdown", "scroll"]) {
    addEventListener(type, () => (active = true), { passive: true });
  }

  const step = (by) => {
    const all = live();
    const place = at?.isConnected ? all.indexOf(at) + by : by > 0 ? 0 : all.length - 1;
    if (place >= all.length) fetchMore();
    else go(all[Math.max(place, 0)]);
  };

  const fetchMore = () => {
    if (!more()) return;
    waiting = true;
    more().click();
  };

  /** What one goes on with once `element` is decided on: the next card below, else the last one above. */
  const after = (element) => {
    const all = live();
    const below = all.find((card) => element.compareDocumentPosition(card) & Node.DOCUMENT_POSITION_FOLLOWING);
    return below ?? all.at(-1);
  };

  document.addEventListener("htmx:before:swap", (event) => {
    for (const { target, fragment } of event.detail.tasks ?? []) {
      if (!cards.contains(target)) continue;
      const made = fragment.querySelector?.("[data-decided]");
      if (made?.querySelector("[data-undo]")) undoable.push(made.id);
    }
  });

  document.addEventListener("htmx:after:swap", (event) => {
    const { sourceElement: source, target } = event.detail.ctx;
    if (source?.matches("[data-polls], [data-claims], .claim")) return;
    selected();
    // Not where more cards came: who reads one stays on it.
    const place = target?.id && target.id !== "more" && document.getElementById(target.id);
    if (waiting && !more()?.matches(".htmx-request")) {
      const next = at?.isConnected && at.matches("article.card") ? live()[live().indexOf(at) + 1] : after(lastDecided());
      if (next) {
        waiting = false;
        go(next);
      }
    } else if (place && cards.contains(place)) {
      go(place.matches("article.card") ? place : after(place));
    } else if (source?.id === "bulk" || at?.isConnected === false) {
      go(document.querySelector(".card .wrong")?.closest("article.card") ?? after(lastDecided()));
    }
    const left = live().length;
    if (left < AHEAD && more()) {
      waiting ||= left === 0;
      more().click();
    }
    const nothing = document.querySelector("#nothing");
    if (nothing) nothing.hidden = left > 0 || Boolean(more());
    if (left === 0 && !more()) document.querySelector("#main").focus({ preventScroll: true });
  });

  const lastDecided = () => document.getElementById(undoable.at(-1)) ?? cards;

  const undo = () => {
    while (undoable.length) {
      const button = document.getElementById(undoable.pop())?.querySelector("[data-undo]");
      if (button) return button.click();
    }
  };

  const press = (selector) => at?.isConnected && at.querySelector(selector)?.click();

  const reasons = () => {
    const place = at?.isConnected && at.querySelector('details[data-opens="r"]');
    if (!place) return;
    place.open = true;
    place.querySelector("button").focus();
  };

  const choose = (digit) => {
    const open = at?.isConnected && at.querySelector('details[data-opens="r"][open]');
    open?.querySelector(`[data-choice="${digit}"]`)?.click();
  };

  const escape = () => {
    const open = at?.isConnected && at.querySelector("details[open]");
    if (open) open.open = false;
    go(at);
  };

  const acts = {
    j: () => step(1),
    k: () => step(-1),
    a: () => press('[data-key="a"]'),
    s: () => press('[data-key="s"]'),
    r: reasons,
    u: undo,
    x: () => press('input[name="chosen"]'),
    o: () => press("a.author"),
    "?": () => document.querySelector("#help")?.showModal(),
    Escape: escape,
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const where = event.target;
    if (where.closest?.("dialog, header.bar, details.filters")) return;
    const typing = where.matches?.("textarea, select, input:not([type=checkbox])");
    if (typing ? event.key !== "Escape" : !keys() && event.key !== "?" && event.key !== "Escape") return;
    const act = /^[1-9]$/.test(event.key) ? () => choose(event.key) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // Single keys get in the way of speech input: they can be switched off.
  const box = document.querySelector("#use-keys");
  const keys = () => localStorage.getItem(KEYS) !== "off";
  if (box) {
    box.checked = keys();
    box.addEventListener("change", () => localStorage.setItem(KEYS, box.checked ? "on" : "off"));
  }
  document.querySelector("#keys")?.addEventListener("click", acts["?"]);

  // The bar for what is selected.
  const bulk = document.querySelector("#bulk");
  const boxes = () => [...cards.querySelectorAll('input[name="chosen"]')];
  const selected = () => {
    const count = boxes().filter((each) => each.checked).length;
    if (!bulk?.matches(".bulk")) return;
    bulk.hidden = count === 0;
    bulk.querySelector("#selected").textContent = `${count} selected`;
  };
  cards.addEventListener("change", selected);
  document.querySelector("#all")?.addEventListener("click", () => {
    for (const each of boxes()) each.checked = true;
    selected();
  });
  selected();
}
