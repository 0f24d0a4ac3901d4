/* Contents of samples, and samples and decisions in words. */

import { cardContent, contentWords } from "/page/contents.js";
import { OUTLIER, WORDS, count, element, percent } from "/page/elements.js";

const TINY = 80;

export function picture(run, index, size, description = "") {
  const made = element("img");
  made.alt = description;
  made.decoding = "async";
  made.draggable = false;
  // A picture of few pixels is better drawn as squares.
  made.addEventListener("load", () => {
    made.classList.toggle("tiny", Math.max(made.naturalWidth, made.naturalHeight) < TINY);
  });
  made.addEventListener("error", () => made.classList.add("failed"));
  made.src = pictureAddress(run, index, size);
  return made;
}

/** Put a sample into its frame: its picture, or its text or row when that has come. */
export async function fillFrame(frame, session, index, description = "") {
  const { run, samples } = session;
  if (run.kind === "image") {
    frame.prepend(picture(run.run, index, "small", description));
    return;
  }
  frame.classList.add("written");
  if (run.kind === null) {
    frame.prepend(element("span", "words", `No. ${index}\n${samples.facts.get(index)?.id ?? ""}`));
    return;
  }
  if (samples.excerpts.has(index)) {
    frame.prepend(cardContent(samples.excerpts.get(index), run.words.missing, session.sought));
    return;
  }
  try {
    const excerpt = await samples.loadExcerpt(index);
    frame.prepend(cardContent(excerpt, run.words.missing, session.sought));
  } catch {
    // It comes when the connection is back.
  }
}

let timesChanged = 0;

/** The data were changed: a browser must not show again what it was told of them before. */
export function readPicturesAnew() {
  timesChanged += 1;
}

export const pictureAddress = (run, index, size) =>
  `/api/pictures/${run}/${size}/${index}${timesChanged ? `?again=${timesChanged}` : ""}`;

export function counted(number, one, several = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : several}`;
}

/** The suggested class; null for none. */
export const suggestedName = (facts, classNames) =>
  facts.suggested === null ? null : classNames[facts.suggested];

/** What is suggested in place of the given class, or is known where nothing is. */
export function suggestionWords(facts, classNames) {
  if (facts.suggested === null) {
    return facts.note === "none" ? "nothing suggested" : facts.note;
  }
  const words = facts.is_likely ? "suggested" : facts.note;
  return `${words} ${classNames[facts.suggested]} ${percent(facts.confidence)}`.trim();
}

/** What somebody wants, in words. */
export function opinionWords(opinion, classNames) {
  return {
    keep: "label kept",
    relabel: classNames[opinion.label] ?? "?",
    discard: "discard",
    skip: "unsure",
  }[opinion.action];
}

/** A sample in words, for those who do not see it. */
export function described(facts, opinions, annotator, classNames, excerpt) {
  const words = [
    facts.id,
    ...(excerpt ? [contentWords(excerpt)] : []),
    WORDS[facts.category].toLowerCase(),
    ...(facts.is_outlier ? [OUTLIER] : []),
    `given ${classNames[facts.label]}`,
    suggestionWords(facts, classNames),
    ...opinions.map((one) => {
      const who = one.annotator === annotator ? "you" : one.annotator;
      return `${who}: ${opinionWords(one, classNames)}`;
    }),
  ];
  return words.join(", ");
}

export const opinionSign = (opinion) =>
  ({ keep: "✓", relabel: "→", discard: "✕", skip: "?" })[opinion.action];
