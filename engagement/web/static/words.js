// Every word the reader sees, in one place, so that a translation is one file.

const number = new Intl.NumberFormat("en");

export const count = (n) => number.format(n);

export const words = {
  feel: "How does this make you feel?",
  reactionsClosed: "Reactions to this article are closed.",
  reactions: (n) => (n === 1 ? "1 reaction" : `${count(n)} reactions`),
  comments: (n) => (n === 1 ? "1 comment" : `${count(n)} comments`),
  commentsHeading: "Comments",
  commentsClosed: "Comments on this article are closed. You can still read what was said.",
  empty: "There are no comments yet. Add your comment to start the conversation.",
  emptyClosed: "There are no comments.",
  add: "Add a comment",
  write: "Write a comment…",
  tabs: "Write or preview",
  writeTab: "Write",
  previewTab: "Preview",
  previewing: "Loading the preview…",
  previewed: "This is how your comment will look.",
  nothingYet: "There is nothing to show yet.",
  noPreview: "The preview could not be loaded.",
  writeReply: (name) => `Reply to ${name}…`,
  hint: "You can use **bold**, *italic*, > quote and links.",
  name: "Your name (optional)",
  speakingAs: (name) => `Commenting as ${name}`,
  changeName: "Change name",
  post: "Post comment",
  postReply: "Post reply",
  posting: "Posting…",
  cancel: "Cancel",
  left: (n) => (n < 0 ? `${count(-n)} characters too many` : `${count(n)} characters left`),
  blank: "Write something first.",
  posted: "Your comment was added.",
  pending: "Waits for a moderator",
  heldFor: (reason) => `Only you can see this. ${Object.hasOwn(reasons, reason) ? reasons[reason] : reasons.other}`,
  postedPending: "Thank you. A moderator will look at your comment before it appears.",
  sortBy: "Sort by",
  sorts: {
    best: "Best", newest: "Newest", oldest: "Oldest", top: "Top",
    discussed: "Most discussed", controversial: "Controversial", hot: "Hot",
  },
  sorted: (name) => `Comments sorted: ${name}.`,
  anonymous: "Anonymous",
  removed: "This comment was removed.",
  threadClosed: "This thread is closed to replies.",
  showAll: "Show all of it",
  showLess: "Show less",
  edited: (when) => `edited ${when}`,
  edit: "Edit",
  editOwn: "Edit your comment",
  save: "Save",
  saving: "Saving…",
  saved: "Your comment was changed.",
  notChanged: "Your change could not be saved. It is still in the box: please try again.",
  changedMeanwhile: "This comment was changed meanwhile. Its present text stands above; save again to put yours in its place.",
  present: "The present text",
  goneMeanwhile: "This comment is not there any more. Your text stays in the box.",
  editOver: "The time in which this comment could be edited is over.",
  delete: "Delete",
  deleteOwn: "Delete your comment",
  deleteAsk: "Delete this comment for good?",
  deleteYes: "Yes, delete it",
  deleteNo: "Keep it",
  deleted: "Your comment was deleted.",
  notDeleted: "Your comment could not be deleted. Please try again.",
  pinned: "Pinned",
  featured: "Editors’ pick",
  reply: "Reply",
  replyTo: (name) => `Reply to ${name}`,
  inReplyTo: (name) => `in reply to ${name}`,
  inReplyToOther: "in reply to another comment",
  inReplyToRemoved: "in reply to a removed comment",
  permalink: (when) => `Link to this comment, ${when}`,
  linked: "A linked comment",
  linkedGone: "The linked comment is not there any more.",
  noLinked: "The linked comment could not be loaded.",
  showAllComments: "Show all comments",
  commentBy: (name) => `Comment by ${name}`,
  votesOn: (name) => `Votes on the comment by ${name}`,
  up: (n) => `Agree, ${count(n)}`,
  down: (n) => `Disagree, ${count(n)}`,
  moreReplies: (n) => (n > 0 ? `Show more replies (${count(n)})` : "Show more replies"),
  moreComments: "Show more comments",
  loadingMore: "Loading…",
  loaded: (n) => (n === 1 ? "1 more comment." : `${count(n)} more comments.`),
  loading: "Loading the conversation…",
  failed: "The conversation could not be loaded.",
  failedMore: "That did not load. Please try again.",
  tryAgain: "Try again",
  expired: "This list was left for a long time, and it has changed since.",
  beginAgain: "Begin again from the first page",
  offline: "You are offline. Keep this page open: what you choose and post is sent when you are back.",
  busyLoading: (s) => `The conversation is busy. Trying again in about ${span(s)}.`,
  kept: (s) => `Your choice is kept while this page is open. We will try again in about ${span(s)}.`,
  keptDraft: (s) => `Your comment is kept. We will try again in about ${span(s)} while this page is open.`,
  keptOffline: "You are offline. Your choice is kept while this page is open, and sent when you are back.",
  keptDraftOffline: "You are offline. Your comment is kept, and sent when you are back and this page is still open.",
  notSaved: "Your choice could not be saved. Please try again.",
  notPosted: "Your comment could not be sent. It is still in the box: please try again.",
  draftStays: "Your comment stays in the box.",
  notSetUp: "This page is not set up for reactions and comments.",
  tooManyReaders: "Too many new readers from your network.",
  tooFast: "That was a lot in a short time.",
  busy: "The conversation is busy.",
  later: (s) => `Please try again in about ${span(s)}.`,
  fields: { name: "Your name", body: "Your comment", article: "The address of this article" },
  report: "Report",
  reportOf: (name) => `Report the comment by ${name}`,
  reportAsk: "What is wrong with this comment?",
  reportReasons: {
    spam: "It is advertising or spam", abuse: "It attacks or insults somebody", hate: "It is hateful towards a group of people",
    false: "It says what is known to be false", illegal: "It is against the law", other: "Something else",
  },
  reportNote: "A word to the moderators (optional)",
  reportSend: "Send the report",
  reported: "Thank you. A moderator will look at this comment.",
  notReported: "Your report could not be sent. Please try again.",
  banned: (until) => (until ? `You can read, but not write here, until ${inFull(until)}.` : "You can read, but not write here any more."),
  statements: "About what you wrote",
  restrictions: {
    hold: "A comment of yours waits for a moderator.", removal: "A comment of yours was removed.", spam: "A comment of yours was removed as spam.",
    warning: "A moderator has warned you.", suspension: "You can read, but not write here for some time.",
    ban: "You can read, but not write here any more.", shadow: "What you write is shown to nobody else.", other: "Something of yours is restricted.",
  },
  lifted: "A decision about what you wrote was taken back.",
  groundLaw: (reference) => `The law: ${reference}`,
  groundRule: (reference) => `The rule: ${reference}`,
  until: (when) => `Until ${when}`,
  automated: "This was decided automatically.",
  appeal: "Appeal",
  appealWhy: "Why should we look at it again?",
  appealSend: "Send the appeal",
  appealed: "Your appeal was sent. Somebody else will look at it.",
  notAppealed: "Your appeal could not be sent. Please try again.",
  appeals: {
    open: "You have appealed. Somebody else than who decided will look at it.", granted: "Your appeal was granted.",
    refused: "Your appeal was refused.", settled: "There was nothing left to decide.",
  },
  answered: (answer) => `The moderators answer: “${answer}”`,
  chosen: (label) => `You chose ${label}.`,
  takenBack: "Your reaction was taken back.",
};

/** Why a comment waits. */
const reasons = {
  plain_form: "It was written in a form without scripts, and those are read before they appear.",
  reports: "Readers have reported it. A moderator will look at it.",
  link: "It has a link, and those are read before they appear.",
  new_reader: "The first comments of new readers are read before they appear.",
  phrase_suspect: "It has words that a moderator is to look at.",
  other: "It is read before it appears.",
};

/** What a reader is told of a Problem; `otherwise` where the service gave no reason, or no answer. */
export function why(problem, otherwise) {
  const { status, detail, errors, retryAfter, minting, misplaced, said } = problem;
  if (said) return said;
  if (misplaced) return words.notSetUp;
  if (problem.kind === "banned") return words.banned(problem.until);
  if (retryAfter !== null && (status === 429 || status >= 500)) {
    const what = status !== 429 ? words.busy : minting ? words.tooManyReaders : words.tooFast;
    return `${what} ${words.later(retryAfter)}`;
  }
  return Object.entries(errors).flatMap(([field, faults]) => [faults].flat().map((fault) => wrong(field, fault))).join(" ") || detail || otherwise;
}

/** Faults that are said in other words than the service's. */
const faults = { parent_id: "The comment that you answer is not there any more." };

/** "Your name is longer than 60 characters." Some messages go on from the field's name, others stand alone. */
function wrong(field, fault) {
  if (Object.hasOwn(faults, field)) return faults[field];
  const name = Object.hasOwn(words.fields, field) ? words.fields[field] : field;
  return `${name}${/^[A-Z]/.test(fault) ? ":" : ""} ${fault}${/[.!?]$/.test(fault) ? "" : "."}`;
}

/** A time to wait, in words: "5 seconds", "20 minutes", "an hour"; never much less than it is. */
function span(s) {
  if (s <= 90) return s <= 1 ? "a second" : `${Math.ceil(s)} seconds`;
  if (s <= 3000) return `${Math.ceil(s / 60)} minutes`;
  const hours = Math.ceil((s - 300) / 3600);
  return hours === 1 ? "an hour" : `${count(hours)} hours`;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const full = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "short" });
const steps = [["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];

/** "3 hours ago" for an RFC 3339 time; a clock that is ahead of ours reads as "just now". */
export function ago(when, now = Date.now()) {
  const passed = (now - Date.parse(when)) / 1000;
  const step = steps.find(([, size]) => passed >= size);
  return step ? relative.format(-Math.floor(passed / step[1]), step[0]) : "just now";
}

/** The whole date and time, in the reader's time zone. */
export const inFull = (when) => full.format(new Date(when));
