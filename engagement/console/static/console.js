/** What every page of the console has: the form token for htmx, the state of the page for styles, small comforts. */

import { queue } from "./queue.js";

document.documentElement.classList.add("scripted");

const token = document.querySelector('meta[name="csrf-token"]')?.content;

document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (token && request.method !== "GET") request.headers["X-CSRF-Token"] = token;
});

document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  // Nobody looks: nothing is asked.
  if (source.matches("[data-polls]") && document.hidden) event.preventDefault();
  else if (!source.matches("[data-polls]")) document.querySelector("#trouble")?.replaceChildren();
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.sourceElement.matches("[data-polls]")) return;
  const told = document.createElement("p");
  told.textContent = "The service did not answer. Nothing was changed; please try again.";
  document.querySelector("#trouble")?.replaceChildren(told);
});

for (const select of document.querySelectorAll("[data-submits]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = event.target.closest?.("details.who[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

const cards = document.querySelector("#cards");
if (cards) queue(cards);
