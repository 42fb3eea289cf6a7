// Agree and disagree on one comment.

import { Ballot } from "./ballot.js";
import { el, svg } from "./dom.js";
import { count, why, words } from "./words.js";

export class Votes {
  #counts;
  #up;
  #down;
  #ballot;
  #note = el("span", { class: "note", hidden: true });

  constructor(host, comment, name) {
    this.#counts = comment.votes ?? { up: 0, down: 0 };
    this.#up = this.#button("up", 1, "M8 3.5 13.5 11h-11z");
    this.#down = this.#button("down", -1, "M8 12.5 2.5 5h11z");
    const say = (text) => {
      this.#note.textContent = text;
      this.#note.hidden = !text;
      if (text) host.announce(text);
    };
    this.#ballot = new Ballot(0, {
      signal: host.signal,
      cast: (value) => host.api.vote(comment.id, value),
      counted: ({ value, votes }) => {
        this.#counts = votes;
        say("");
        return value;
      },
      show: (desired, confirmed) => this.#show(desired, confirmed),
      refused: (problem) => say(why(problem, words.notSaved)),
      waiting: (problem, seconds) => say(navigator.onLine === false ? words.keptOffline : words.kept(seconds)),
    });
    this.element = el("div", { class: "votes", role: "group", "aria-label": words.votesOn(name) }, this.#up, this.#down, this.#note);
    this.#show(0, 0);
  }

  /** The reader's vote (1, 0 or -1) as the service remembers it. */
  recall(value) {
    this.#ballot.recall(value);
  }

  #button(way, value, d) {
    const press = () => this.#ballot.choose(this.#ballot.choice === value ? 0 : value);
    return el("button", { type: "button", class: `vote ${way}`, on: { click: press } },
      svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
        svg("path", { d, fill: "none", stroke: "currentColor", "stroke-width": 1.4, "stroke-linejoin": "round" })),
      el("span", { class: "count", "aria-hidden": "true" }));
  }

  #show(desired, confirmed) {
    const moved = (value) => (desired === value ? 1 : 0) - (confirmed === value ? 1 : 0);
    draw(this.#up, Math.max(0, this.#counts.up + moved(1)), desired === 1, words.up);
    draw(this.#down, Math.max(0, this.#counts.down + moved(-1)), desired === -1, words.down);
  }
}

function draw(button, n, pressed, name) {
  button.setAttribute("aria-pressed", String(pressed));
  button.setAttribute("aria-label", name(n));
  button.querySelector(".count").textContent = count(n);
}
