// The client of the public API. Every failure is a Problem; identity is minted at the first write, not before.

import { sayRefused } from "./publisher.js";
import { drop, load, save } from "./store.js";

const PATIENCE = 15_000; // milliseconds until an unanswered call counts as a failed one
const LATER = 60; // seconds: a reader who is told to come back after more than that does not sit and wait
const PLAIN = /^[A-Za-z0-9._:@-]{1,128}$/;
const HEADER = /^[\x21-\x7e]+$/;
const SET_UP = /origin|into being/i; // refusals that no reader can do anything about

/** One path segment for any article id: plain if it is safe in a path, else "~" and base64url of its UTF-8. */
export function segment(id) {
  if (PLAIN.test(id) && id !== "." && id !== "..") return id;
  const bytes = Array.from(new TextEncoder().encode(id), (byte) => String.fromCharCode(byte)).join("");
  return `~${btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/**
 * A refused or failed call. `status` 0 means that no answer came; `retryAfter` is in seconds or null; `errors`
 * is `{field: [messages]}`; `kind` is the last part of the problem's type; `minting` says that it was the reader's
 * token that could not be had; `said`, if set, is what to tell the reader instead of all that.
 */
export class Problem extends Error {
  constructor(status, body = {}, retryAfter = null) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.detail = body.detail || body.title || "";
    this.errors = body.errors ?? {};
    this.kind = String(body.type ?? "").split(":").pop();
    this.retryAfter = retryAfter;
    this.reason = body.reason ?? "";
    this.until = body.until ?? null;
    this.minting = false;
    this.said = "";
  }

  /** Refused because of the page or how the site is set up, and not because of the reader. */
  get misplaced() {
    return this.status === 403 && (!this.detail || SET_UP.test(this.detail));
  }

  /** Worth trying again with nothing changed, and soon. */
  get temporary() {
    return [0, 429, 502, 503, 504].includes(this.status) && (this.retryAfter ?? 0) <= LATER;
  }
}

export class Api {
  #base;
  #article;
  #names;
  #signature;
  #sessionKey;
  #minting = null;
  /** Called when a write was refused because the reader is banned. */
  banned = () => {};

  /** `signature`: the publisher's, for a site whose articles are `signed`, or null. */
  constructor(origin, site, article, signature = null) {
    this.#names = [site, article];
    this.#signature = HEADER.test(signature ?? "") ? { "Article-Signature": signature } : {};
    this.#base = `${origin}/v1/${encodeURIComponent(site)}`;
    this.#article = `${this.#base}/articles/${segment(article)}`;
    this.#sessionKey = `engagement:reader:${origin}:${site}`;
    this.draftKey = `engagement:draft:${origin}:${site}:${article}`;
    this.sortKey = `engagement:sort:${origin}:${site}`;
  }

  /** `{token, name, asked}` or null; read afresh, because another tab may have written it. */
  get session() {
    return load(this.#sessionKey);
  }

  /** Merge `change` into what is remembered of the reader. */
  remember(change) {
    save(this.#sessionKey, { ...this.session, ...change });
  }

  footer(sort, signal) {
    return this.#read(`${this.#article}/footer`, { sort }, signal);
  }

  comments(sort, cursor, signal) {
    return this.#read(`${this.#article}/comments`, { sort, cursor }, signal);
  }

  replies(comment, cursor, signal) {
    return this.#read(`${this.#comment(comment)}/replies`, { cursor }, signal);
  }

  /** `{comment, ancestors}`: one comment, and those above it from the thread's first on. */
  comment(id, signal) {
    return this.#read(this.#comment(id), {}, signal);
  }

  /** The reader's own mood, votes, and what it takes to edit their comments; null for someone who has no token, or whose token is no longer good. */
  async me(comments, signal) {
    const token = this.session?.token;
    if (!token) return null;
    const query = new URLSearchParams(comments.map((id) => ["comment", id]));
    try {
      return await this.#call("GET", `${this.#article}/me?${query}`, { token, signal });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      this.#forget(token);
      return null;
    }
  }

  react(mood) {
    if (mood === null) return this.#write("DELETE", `${this.#article}/reaction`);
    return this.#write("PUT", `${this.#article}/reaction`, { mood }, this.#signature);
  }

  vote(comment, value) {
    return this.#write("PUT", `${this.#comment(comment)}/vote`, { value });
  }

  /** Post a comment; `key` makes a repeated attempt the same comment. */
  post(body, parent, key) {
    const content = parent ? { body, parent_id: parent } : { body };
    return this.#write("POST", `${this.#article}/comments`, content, { "Idempotency-Key": key, ...this.#signature });
  }

  /** Change the text of one's own comment; 412 if `revision` is not the present one. */
  edit(comment, body, revision) {
    return this.#write("PATCH", this.#comment(comment), { body }, { "If-Match": `"${revision}"` });
  }

  remove(comment) {
    return this.#write("DELETE", this.#comment(comment));
  }

  /** Report somebody else's comment; `note` may be null. */
  report(comment, reason, note) {
    return this.#write("POST", `${this.#comment(comment)}/reports`, { reason, note });
  }

  /** `{items}`: why something of the reader's is or was restricted; null for someone who has no token. */
  async statements(signal) {
    const token = this.session?.token;
    return token ? this.#call("GET", `${this.#base}/readers/me/statements`, { token, signal }) : null;
  }

  appeal(statement, text) {
    return this.#write("POST", `${this.#base}/readers/me/statements/${encodeURIComponent(statement)}/appeal`, { text });
  }

  /** `{body_html}`: how a comment would look. It takes no reader. */
  preview(body, signal) {
    return this.#call("POST", `${this.#base}/preview`, { body: { body }, signal });
  }

  /** Give the reader a name, null for none: with the new token if there is none yet. */
  async rename(name) {
    if (!this.session?.token) await this.#mint(name);
    if ((this.session?.name ?? null) === name) return;
    const { name: given } = await this.#write("PATCH", `${this.#base}/readers/me`, { name });
    this.remember({ name: given });
  }

  #comment(id) {
    return `${this.#article}/comments/${encodeURIComponent(id)}`;
  }

  #read(url, query, signal) {
    const given = Object.entries(query).filter(([, value]) => value);
    const search = given.length ? `?${new URLSearchParams(given)}` : "";
    // Whoever has written here wants to see it after a reload, not what the browser kept of a second ago.
    return this.#call("GET", url + search, { signal, cache: this.session?.token ? "no-cache" : "default" });
  }

  async #write(method, url, body, headers = {}) {
    const token = this.session?.token ?? (await this.#mint());
    try {
      return await this.#call(method, url, { body, headers, token });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      this.#forget(token);
      return this.#call(method, url, { body, headers, token: await this.#mint(this.session?.name) });
    }
  }

  #mint(name) {
    this.#minting ??= this.#call("POST", `${this.#base}/readers`, { body: name ? { name } : {} })
      .then(({ token, reader }) => {
        this.remember({ token, name: reader?.name ?? null });
        return token;
      })
      .catch((problem) => {
        throw Object.assign(problem, { minting: true });
      })
      .finally(() => {
        this.#minting = null;
      });
    return this.#minting;
  }

  #forget(token) {
    const session = this.session;
    if (session?.token !== token) return;
    drop(this.#sessionKey);
    this.remember({ name: session.name, asked: session.asked });
  }

  async #call(method, url, { body, headers = {}, token, signal, cache = "default" } = {}) {
    const sent = { Accept: "application/json, application/problem+json", ...headers };
    if (token) sent.Authorization = `Bearer ${token}`;
    if (body !== undefined) sent["Content-Type"] = "application/json";
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), PATIENCE);
    const stop = () => limit.abort();
    signal?.addEventListener("abort", stop);
    let response;
    let content;
    try {
      response = await fetch(url, {
        method, headers: sent, cache, credentials: "omit", signal: limit.signal,
        // A choice made just before leaving the page still arrives.
        keepalive: method === "PUT" || method === "DELETE",
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      content = await response.text();
    } catch {
      throw new Problem(0);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
    const parsed = parse(content);
    if (!response.ok) {
      const problem = new Problem(response.status, parsed ?? {}, wait(response.headers.get("Retry-After")));
      if (problem.kind === "banned") this.banned();
      if (problem.misplaced) sayRefused(...this.#names, problem.detail);
      throw problem;
    }
    if (parsed === undefined) throw new Problem(502);
    return parsed;
  }
}

function parse(text) {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Retry-After in seconds: it may be a number or a date. */
function wait(header) {
  if (!header) return null;
  const number = Number(header);
  if (Number.isFinite(number)) return Math.max(0, number);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, (date - Date.now()) / 1000);
}
