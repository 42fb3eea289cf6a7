// Our own drawings of the default moods, so that they look the same on every machine, with or without an
// emoji font. A mood whose emoji is not one of these is shown as its emoji.

import { el, svg } from "./dom.js";

const DOTS = "M11 12.6v1.6M21 12.6v1.6";

// key: [label, the emoji it stands for, tint, lines, filled shapes]
const drawings = {
  happy: ["Happy", "😀 😃 🙂 😊 ☺️", "#f7cf5b", [DOTS, "M9.5 18.5c1.4 3.6 11.6 3.6 13 0"], []],
  sad: ["Sad", "😢 😞 🙁 ☹️ 😔", "#8fbbe0", ["M11 13.4v1.4M21 13.4v1.4", "M10.8 23.4c1.6-3.6 8.8-3.6 10.4 0", "M7.8 10.8c1.6-.2 3-.9 4-2M24.2 10.8c-1.6-.2-3-.9-4-2"], []],
  angry: ["Angry", "😠 😡 🤬", "#e8806c", ["M11.5 14.2v1.4M20.5 14.2v1.4", "M8 10l5.5 2.8M24 10l-5.5 2.8", "M10.5 23c1.6-3 9.4-3 11 0"], []],
  dont_care: ["Don’t care", "😐 😑 😶 🤷 🫤", "#c9c4ba", ["M9 13.5h4M19 13.5h4", "M11 21h10"], []],
  inspired: ["Inspired", "🤩 ✨ 💡 🌟 🥹", "#f2b45a", ["M9.5 19.5c1.4 5 11.6 5 13 0z"], ["M11 8.5l1.3 2.7 2.9.4-2.1 2.1.5 2.9L11 15.2l-2.6 1.4.5-2.9-2.1-2.1 2.9-.4z", "M21 8.5l1.3 2.7 2.9.4-2.1 2.1.5 2.9-2.6-1.4-2.6 1.4.5-2.9-2.1-2.1 2.9-.4z"]],
  afraid: ["Afraid", "😨 😱 😰 😧 😟", "#b9a6dc", ["M8.5 13.5a2.3 2.3 0 1 0 4.6 0a2.3 2.3 0 1 0-4.6 0M18.9 13.5a2.3 2.3 0 1 0 4.6 0a2.3 2.3 0 1 0-4.6 0", "M8 9l3.5-1.8M24 9l-3.5-1.8"], ["M16 18.3c2 0 3.2 1.7 3.2 3.7s-1.2 3.4-3.2 3.4-3.2-1.4-3.2-3.4 1.2-3.7 3.2-3.7z"]],
  amused: ["Amused", "😄 😂 😆 😁 🤣 😹", "#f7cf5b", ["M8.2 14.2c1-2.4 4.2-2.4 5.2 0M18.6 14.2c1-2.4 4.2-2.4 5.2 0"], ["M8.8 17.8h14.4c0 4-3.2 7-7.2 7s-7.2-3-7.2-7z"]],
  annoyed: ["Annoyed", "😒 🙄 😤", "#a9c796", ["M8.5 12.5h5M18.5 12.5h5", "M12.3 13v1.8M22.3 13v1.8", "M18.5 9.2l5.2-1", "M11.5 22.5c2-2.2 6-2.2 9.5-1"], []],
};

/** Without the mark that asks for the coloured form, which some write and some leave out. */
const bare = (emoji) => emoji.replaceAll("\ufe0f", "");

const byEmoji = new Map();
for (const [key, [, emoji]] of Object.entries(drawings)) {
  for (const one of emoji.split(" ")) byEmoji.set(bare(one), key);
}

/** The word for one of the default moods, where only its key is known; null for another. */
export const label = (key) => drawings[key]?.[0] ?? null;

/** A picture for `{key, emoji?}`, hidden from screen readers: its label stands beside it. */
export function face({ key, emoji }) {
  const known = emoji ? byEmoji.get(bare(emoji)) : key;
  if (!drawings[known]) return el("span", { class: "face", "aria-hidden": "true", text: emoji || "•" });
  const [, , tint, lines, shapes] = drawings[known];
  const ink = "#2b2621";
  return svg("svg", { class: "face", viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
    svg("circle", { cx: 16, cy: 16, r: 14.5, fill: tint, stroke: ink, "stroke-width": 1.2, "stroke-opacity": 0.55 }),
    ...lines.map((d) => svg("path", { d, fill: "none", stroke: ink, "stroke-width": 1.7, "stroke-linecap": "round", "stroke-linejoin": "round" })),
    ...shapes.map((d) => svg("path", { d, fill: ink })));
}
