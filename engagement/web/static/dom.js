// A few lines in place of a framework. Text always goes in as text, never as markup.

/**
 * An element. `props`: `text`, `on: {event: listener}`, `data: {key: value}`, `class`;
 * a boolean sets or leaves out the attribute, anything else becomes one.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key === "text") node.textContent = value;
    else if (key === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (key === "data") Object.assign(node.dataset, value);
    else if (typeof value === "boolean") node.toggleAttribute(key, value);
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with plain presentation attributes, so that a strict style-src has nothing to refuse. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** A button that keeps its size and focus while `work` (async) runs; a second press meanwhile does nothing. */
export function busyButton(props, work) {
  let running = false;
  const button = el("button", { type: "button", ...props });
  button.addEventListener("click", async () => {
    if (running) return;
    running = true;
    button.setAttribute("aria-busy", "true");
    try {
      await work(button);
    } finally {
      running = false;
      button.removeAttribute("aria-busy");
    }
  });
  return button;
}
