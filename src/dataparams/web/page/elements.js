/* Parts of a page. Names are data: they enter it as text, never as markup. */

export const SIGNS = { easy: "●", hard: "▲", review: "◆", audit: "◌" };
export const WORDS = { easy: "Easy", hard: "Hard", review: "Need review", audit: "Judged blind" };
export const OUTLIER = "outlier?";

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

/** A file name that breaks after a slash first. */
export function fillFile(place, id) {
  const parts = id.split("/").map((part, i, all) => (i < all.length - 1 ? `${part}/` : part));
  place.replaceChildren(
    ...parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part])),
  );
}

export const percent = (share) => (share === null ? "" : `${Math.round(100 * share)}%`);

export const count = (number) => number.toLocaleString("en");

/** A suggested class by its name, null for none, and what is said before it or in its place. */
export function fillSuggestion(place, sample, name) {
  place.classList.toggle("likely", sample.is_likely);
  place.querySelector(".note").textContent = sample.note;
  place.querySelector(".name").textContent = name ?? "";
  place.querySelector(".confidence").textContent = name === null ? "" : percent(sample.confidence);
}
