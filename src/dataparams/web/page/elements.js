/* Parts of a page. Names are data: they enter it as text, never as markup. */

export const SIGNS = { easy: "●", hard: "▲", review: "◆", audit: "◌" };
export const WORDS = { easy: "Easy", hard: "Hard", review: "Need review", audit: "Judged blind" };
export const OUTLIER = "outlier?";
/* What the parts that report and review share say; a report in another language replaces it. */
export const PHRASES = {
  outlier: OUTLIER,
  missing: "missing",
  blank: "blank",
  empty: "empty",
  blanks: "nothing but blanks",
  more: "and {count} more",
  first_letters: "Only the first {count} of {all} letters are shown.",
  value_beginnings: "Of a value that ends in … only the beginning is shown.",
  epoch: "epoch",
  temperature: "temperature",
  trajectory: "Temperature over the training: from {first} to {last}",
  no_trajectory: "No trajectory",
};

/* As the templates break names: a word with what ends it, and how long a piece of one may be. */
const NAME_WORDS = /[^\s_/-]+[\s_/-]*|[\s_/-]+/gu;
const BREAKS_ANYWAY = /[\s-]$/u;
const LONGEST_PIECE = 20;

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

/** A name, of a file or a class, that breaks where its words end, and in a word only if it is long. */
export function fillName(place, name) {
  const pieces = (name.match(NAME_WORDS) ?? []).flatMap(cutWord);
  place.replaceChildren(
    ...pieces.flatMap((piece, i) =>
      i === pieces.length - 1 || BREAKS_ANYWAY.test(piece)
        ? [piece]
        : [piece, document.createElement("wbr")],
    ),
  );
}

/** A word in pieces of equal lengths, none too long for a column. */
function cutWord(word) {
  const letters = [...word];
  const length = Math.ceil(letters.length / Math.ceil(letters.length / LONGEST_PIECE));
  const count = Math.ceil(letters.length / length);
  return Array.from({ length: count }, (_, i) =>
    letters.slice(i * length, (i + 1) * length).join(""),
  );
}

/** Such a phrase, with values in place of their names. */
export const phrase = (name, values = {}) =>
  PHRASES[name].replace(/\{(\w+)\}/gu, (_, key) => values[key]);

const written = (number, options) =>
  number.toLocaleString(document.documentElement.lang || "en", options);

export const percent = (share) => (share === null ? "" : written(share, { style: "percent" }));

export const count = (number) => written(number);

/** A suggested class by its name, null for none, and what is said before it or in its place. */
export function fillSuggestion(place, sample, name) {
  place.classList.toggle("likely", sample.is_likely);
  place.querySelector(".note").textContent = sample.note;
  fillName(place.querySelector(".name"), name ?? "");
  place.querySelector(".confidence").textContent = name === null ? "" : percent(sample.confidence);
}
