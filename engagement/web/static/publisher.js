// What is said to whoever set up the page, in the browser's console: each thing once.

const said = new Set();

/** A write was refused (403): the page's origin, or an article that readers may not bring into being. */
export function sayRefused(site, article, detail) {
  const { origin } = location;
  if (/origin/i.test(detail)) {
    once("error", `Engagement: the site "${site}" takes nothing from pages of ${origin}, where this one is. Allow it with ` +
      `"engagement site add ${site} --origin ${origin}" or, for a site that is there already, ` +
      `"engagement site set ${site} --origin ${origin}" (with its other origins, too).`);
  } else {
    once("error", `Engagement: readers can't bring the article "${article}" into being on the site "${site}" (page: ${origin}). ` +
      `${remedy(site, article)}; where articles are signed, the attribute "signature" is missing or wrong.`);
  }
}

/** Closed because nobody has put the article, rather than by somebody. */
export function sayUnknown(site, article) {
  once("warn", `Engagement: the article "${article}" is not known to the site "${site}", so it is closed. ${remedy(site, article)}.`);
}

function remedy(site, article) {
  return `Put it with "engagement article put ${site} '${article}'", or let readers do so with "engagement site set ${site} --articles open"`;
}

function once(level, text) {
  if (said.has(text)) return;
  said.add(text);
  console[level](text);
}
