// "How does this make you feel?": one toggle per mood, drawn once and then only updated, so focus stays.

import { Ballot } from "./ballot.js";
import { el } from "./dom.js";
import { face } from "./faces.js";
import { count, why, words } from "./words.js";

export class Moods {
  #host;
  #tally;
  #open;
  #buttons = new Map();
  #ballot;
  #note = el("p", { class: "note", hidden: true });
  #total = el("p", { class: "total" });
  #list = el("div", { class: "moods", role: "group", "aria-labelledby": "feel" });

  /** `host`: `{api, signal, announce(text)}`; `tally` as the API gives it. */
  constructor(host, tally, open) {
    this.#host = host;
    this.#tally = tally;
    this.#open = open;
    this.#ballot = new Ballot(null, {
      signal: host.signal,
      cast: (mood) => host.api.react(mood),
      counted: (answer) => this.#counted(answer),
      show: (desired, confirmed) => this.#show(desired, confirmed),
      refused: (problem) => this.#refused(problem),
      waiting: (problem, seconds) => this.#say(navigator.onLine === false ? words.keptOffline : words.kept(seconds)),
    });
    this.element = el("section", { class: "feel", "aria-labelledby": "feel" },
      el("h2", { id: "feel", text: words.feel }), this.#list, this.#note, this.#total);
    this.#show(null, null);
    if (!open) this.#say(words.reactionsClosed);
  }

  /** The reader's mood as the service remembers it. */
  recall(mood) {
    this.#ballot.recall(mood);
  }

  #press(key) {
    if (!this.#open) return;
    this.#say("");
    this.#ballot.choose(this.#ballot.choice === key ? null : key);
  }

  #counted({ mood, reactions }) {
    this.#tally = reactions;
    this.#say("");
    const label = reactions.moods.find(({ key }) => key === mood)?.label;
    this.#host.announce(label ? words.chosen(label) : words.takenBack);
    return mood;
  }

  #refused(problem) {
    if (problem.status === 409) {
      this.#open = false;
      this.#show(this.#ballot.choice, this.#ballot.choice);
    }
    this.#say(why(problem, words.notSaved));
  }

  #say(text) {
    this.#note.textContent = text;
    this.#note.hidden = !text;
    if (text) this.#host.announce(text);
  }

  /** Draw the service's tally, moved by a choice that it has not confirmed yet. */
  #show(desired, confirmed) {
    const { moods, total } = moved(this.#tally, confirmed, desired);
    for (const mood of moods) this.#draw(mood, mood.key === desired);
    this.#total.textContent = words.reactions(total);
    this.#total.hidden = total === 0;
  }

  #draw(mood, pressed) {
    const button = this.#buttons.get(mood.key) ?? this.#create(mood);
    button.setAttribute("aria-pressed", String(pressed));
    button.toggleAttribute("disabled", !this.#open);
    button.querySelector(".label").textContent = mood.label;
    button.querySelector(".count").textContent = count(mood.count);
    button.querySelector(".share").textContent = `${mood.share}%`;
    button.querySelector(".fill").style.width = `${mood.share}%`;
    button.classList.toggle("none", mood.count === 0);
  }

  #create(mood) {
    const button = el("button", { type: "button", class: "mood", data: { mood: mood.key }, on: { click: () => this.#press(mood.key) } },
      face(mood),
      el("span", { class: "label" }),
      el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "fill" })),
      el("span", { class: "figures" }, el("span", { class: "count" }), " ", el("span", { class: "share" })));
    this.#buttons.set(mood.key, button);
    this.#list.append(button);
    return button;
  }
}

/** `tally` as it will be when the reader's choice moves `from` → `to` (either may be null). */
export function moved(tally, from, to) {
  if (from === to) return tally;
  const moods = tally.moods.map((mood) => ({
    ...mood,
    count: Math.max(0, mood.count + (mood.key === to ? 1 : 0) - (mood.key === from ? 1 : 0)),
  }));
  const total = moods.reduce((sum, mood) => sum + mood.count, 0);
  shares(moods.map((mood) => mood.count)).forEach((share, at) => {
    moods[at].share = share;
  });
  return { ...tally, moods, total };
}

/** Whole percentages that sum to 100 (largest remainder), all 0 for no counts. */
function shares(counts) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return counts.map(() => 0);
  const exact = counts.map((n) => (n * 100) / total);
  const whole = exact.map(Math.floor);
  const order = exact.map((_, at) => at).sort((a, b) => exact[b] - whole[b] - (exact[a] - whole[a]) || a - b);
  const missing = 100 - whole.reduce((sum, n) => sum + n, 0);
  for (const at of order.slice(0, missing)) whole[at] += 1;
  return whole;
}
