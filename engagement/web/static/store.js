// What is kept on the reader's own machine: the token, drafts. A browser that refuses storage gets a page's memory.

const memory = new Map();

export function load(key) {
  try {
    const text = localStorage.getItem(key);
    return text === null ? (memory.get(key) ?? null) : JSON.parse(text);
  } catch {
    return memory.get(key) ?? null;
  }
}

export function save(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Private mode or a full disk: the page's memory has it.
  }
}

export function drop(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // As above.
  }
}
