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
  pending: "Waiting for a moderator. Only you can see this.",
  postedPending: "Thank you. A moderator will look at your comment before it appears.",
  sortBy: "Sort by",
  sorts: { newest: "Newest", oldest: "Oldest", top: "Top" },
  sorted: (name) => `Comments sorted: ${name}.`,
  anonymous: "Anonymous",
  removed: "This comment was removed.",
  edited: "edited",
  pinned: "Pinned",
  featured: "Editors’ pick",
  reply: "Reply",
  replyTo: (name) => `Reply to ${name}`,
  commentBy: (name) => `Comment by ${name}`,
  votesOn: (name) => `Votes on the comment by ${name}`,
  up: (n) => `Agree, ${count(n)}`,
  down: (n) => `Disagree, ${count(n)}`,
  moreReplies: (n) => (n > 0 ? `Show more replies (${count(n)})` : "Show more replies"),
  moreComments: "Load more comments",
  loadingMore: "Loading…",
  loaded: (n) => (n === 1 ? "1 more comment." : `${count(n)} more comments.`),
  loading: "Loading the conversation…",
  failed: "The conversation could not be loaded.",
  failedMore: "That did not load. Please try again.",
  tryAgain: "Try again",
  offline: "You are offline. What you choose and write is kept here and sent when you are back.",
  busyLoading: (s) => `The conversation is busy. Trying again in ${seconds(s)}.`,
  kept: (s) => `Your choice is kept. We will try again in ${seconds(s)}.`,
  keptDraft: (s) => `Your comment is kept. We will try again in ${seconds(s)}.`,
  keptOffline: "You are offline. Your choice is kept.",
  keptDraftOffline: "You are offline. Your comment is kept and will be sent when you are back.",
  refused: "That did not work.",
  chosen: (label) => `You chose ${label}.`,
  takenBack: "Your reaction was taken back.",
};

function seconds(s) {
  const whole = Math.max(1, Math.ceil(s));
  return whole === 1 ? "1 second" : `${count(whole)} seconds`;
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
