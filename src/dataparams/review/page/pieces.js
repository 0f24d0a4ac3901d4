/* Pieces of the page. Names are data: they enter it as text, never as markup. */

export const SIGNS = { easy: "●", hard: "▲", review: "◆" };
export const WORDS = { easy: "Easy", hard: "Hard", review: "Need review" };
export const OUTLIER = "outlier?";
const TINY = 80;

export const byId = (id) => document.getElementById(id);

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  if (text) {
    made.textContent = text;
  }
  return made;
}

export function drawn(tag, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  return made;
}

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

export const pictureAddress = (run, index, size) => `/api/pictures/${run}/${size}/${index}`;

export function fillMark(place, category) {
  place.className = `mark ${category}`;
  place.querySelector(".sign").textContent = SIGNS[category];
  place.querySelector(".mark-name").textContent = WORDS[category];
}

export function mark(category) {
  const made = element("span");
  const sign = element("span", "sign");
  sign.setAttribute("aria-hidden", "true");
  made.append(sign, " ", element("span", "mark-name"));
  fillMark(made, category);
  return made;
}

/** A file name that breaks after a slash first. */
export function fillFile(place, id) {
  const parts = id.split("/").map((part, i, all) => (i < all.length - 1 ? `${part}/` : part));
  place.replaceChildren(
    ...parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part])),
  );
}

export const percent = (share) => (share === null ? "" : `${Math.round(100 * share)}%`);

export const count = (number) => number.toLocaleString("en");

export function counted(number, one, several = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : several}`;
}

export function fillSuggestion(place, facts, classNames) {
  place.classList.toggle("likely", facts.is_likely);
  place.querySelector(".note").textContent = facts.note;
  place.querySelector(".name").textContent =
    facts.suggested === null ? "" : classNames[facts.suggested];
  place.querySelector(".confidence").textContent =
    facts.suggested === null ? "" : percent(facts.confidence);
}

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
export function described(facts, opinions, annotator, classNames) {
  const words = [
    facts.id,
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
