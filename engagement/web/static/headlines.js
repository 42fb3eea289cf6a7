// Counts beside headlines: every element with data-engagement-article, inside one with data-engagement-site,
// is filled from one batch call (one per hundred articles).

import { el } from "./dom.js";
import { face, label } from "./faces.js";
import { words } from "./words.js";

const BATCH = 100; // articles that one call takes
const ORIGIN = new URL(import.meta.url).origin;

export async function fill(front) {
  const places = [...front.querySelectorAll("[data-engagement-article]")];
  const ids = [...new Set(places.map((place) => place.dataset.engagementArticle))];
  for (let at = 0; at < ids.length; at += BATCH) {
    const counts = await ask(front.dataset.engagementSite, ids.slice(at, at + BATCH));
    for (const place of places) {
      const known = counts[place.dataset.engagementArticle];
      if (known) draw(place, known);
    }
  }
  front.setAttribute("data-engagement-filled", "");
}

async function ask(site, ids) {
  const query = new URLSearchParams(ids.map((id) => ["article", id]));
  try {
    const response = await fetch(`${ORIGIN}/v1/${encodeURIComponent(site)}/counts?${query}`, { credentials: "omit" });
    return response.ok ? (await response.json()).articles : {};
  } catch {
    return {}; // A front page without counts is still a front page.
  }
}

function draw(place, { comments, reactions, top_mood: mood }) {
  const name = mood ? label(mood) : null;
  place.replaceChildren(
    el("span", { class: "comments", text: words.comments(comments) }),
    ...(mood && reactions > 0
      ? [el("span", { class: "top-mood" }, face({ key: mood }), el("span", { text: name ?? mood.replaceAll("_", " ") }),
          el("span", { class: "reactions", text: words.reactions(reactions) }))]
      : []));
}

for (const front of document.querySelectorAll("[data-engagement-site]")) fill(front);
