// Keeping a reader's intent through bad moments: ask again when the service says so, or when the network is back.

import { Problem } from "./api.js";

const LONGEST = 30; // seconds between attempts when the service names no time
const UNREACHED = 5; // repeats when no answer came at all although the browser is online

/**
 * Run `attempt` until it answers or is refused for good. `onWait(problem, seconds)` is told before each
 * pause; coming back online ends a pause. Throws the final Problem (refused, or to be tried much later, or never
 * reached), or an AbortError when `signal` stops it.
 */
export async function persist(attempt, { signal, onWait = () => {} } = {}) {
  for (let tries = 0, unreached = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (problem) {
      if (!(problem instanceof Problem) || !problem.temporary) throw problem;
      if (problem.status === 0 && navigator.onLine !== false && (unreached += 1) > UNREACHED) throw problem;
      const seconds = Math.max(0.5, problem.retryAfter ?? Math.min(2 ** tries, LONGEST));
      onWait(problem, seconds);
      // A little spread, so that a thousand waiting readers do not return in the same instant.
      await pause(seconds * (1 + Math.random() / 4), signal);
    }
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(timer);
      window.removeEventListener("online", resume);
      signal?.removeEventListener("abort", stop);
      settle(value);
    };
    const resume = () => end(resolve);
    const stop = () => end(reject, new DOMException("stopped", "AbortError"));
    const timer = setTimeout(resume, seconds * 1000);
    window.addEventListener("online", resume);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
  });
}
