// One question on which a reader has one choice: an article's mood, a comment's vote.

import { persist } from "./persist.js";

export class Ballot {
  #confirmed;
  #desired;
  #running = false;
  #touched = false;
  #options;

  /**
   * `choice`: what the service last confirmed. `cast(choice)` sends one and answers a promise.
   * `show(desired, confirmed)` draws at once; `counted(answer)` takes the exact answer and returns the
   * confirmed choice; `refused(problem)` and `waiting(problem, seconds)` tell the reader.
   */
  constructor(choice, options) {
    this.#confirmed = this.#desired = choice;
    this.#options = options;
  }

  get choice() {
    return this.#desired;
  }

  /** What the service knows of an earlier visit; it does not overrule a choice made meanwhile. */
  recall(choice) {
    if (this.#touched) return;
    this.#confirmed = this.#desired = choice;
    this.#draw();
  }

  /** The latest choice wins; one call is under way at a time, so that answers cannot overtake each other. */
  async choose(choice) {
    this.#touched = true;
    this.#desired = choice;
    this.#draw();
    if (this.#running) return;
    this.#running = true;
    try {
      await this.#settle();
    } finally {
      this.#running = false;
    }
  }

  async #settle() {
    const { cast, counted, refused, waiting, signal } = this.#options;
    let sent;
    try {
      do {
        const answer = await persist(() => cast((sent = this.#desired)), { signal, onWait: waiting });
        this.#confirmed = counted(answer);
        // A mood that the service did not take as sent would otherwise be asked for again without end.
        if (this.#desired === sent) this.#desired = this.#confirmed;
        this.#draw();
      } while (this.#desired !== this.#confirmed);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.#desired = this.#confirmed;
      this.#draw();
      refused(problem);
    }
  }

  #draw() {
    this.#options.show(this.#desired, this.#confirmed);
  }
}
