// A very long comment stands folded, with a button for the rest of it.

import { el } from "./dom.js";
import { words } from "./words.js";

const TALL = 1200; // CSS pixels; what is lower stands whole

// Told between layout and paint: a short comment never moves, a tall one is never seen unfolded first.
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.scrollHeight > TALL) fold(target);
});

/** Fold `body`, which has an id, if it ever gets too tall. */
export function foldIfTall(body) {
  watcher.observe(body);
}

function fold(body) {
  watcher.unobserve(body);
  const button = el("button", { type: "button", class: "link", "aria-controls": body.id });
  const show = (whole) => {
    body.classList.toggle("folded", !whole);
    button.textContent = whole ? words.showLess : words.showAll;
    button.setAttribute("aria-expanded", String(whole));
  };
  button.addEventListener("click", () => {
    const whole = body.classList.contains("folded");
    show(whole);
    if (!whole) button.scrollIntoView({ block: "nearest" });
  });
  // Whoever reaches a link in the folded part with Tab wants to see it.
  body.addEventListener("focusin", ({ target }) => {
    if (target.getBoundingClientRect().bottom > body.getBoundingClientRect().bottom) show(true);
  });
  show(false);
  body.after(button);
}
