/* Texts and rows as parts of a page. They are data: they enter it as text, never as markup. */

import { count, element, phrase } from "./elements.js";

export const UNUSUAL = { high: "unusually high", low: "unusually low", rare: "rare in the class" };

/** A text or a row as a card shows it: {text, cells, hidden}; null for what cannot be read. What was
 * sought in it is marked. */
export function cardContent(shown, missing, sought = "") {
  if (shown === null || (shown.text === null && shown.cells === null)) {
    return element("span", "no-picture", missing);
  }
  return shown.cells === null ? cardText(shown.text, sought) : cardCells(shown, sought);
}

/** All of it. What is too long for its place scrolls there, by keyboard too. */
export function wholeContent(shown, missing, name, legend, sought = "") {
  if (shown === null || (shown.text === null && shown.cells === null)) {
    return element("p", "no-picture", missing);
  }
  const box = element("div", "whole");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
  box.append(...(shown.cells === null ? wholeText(shown, sought) : wholeCells(shown, legend, sought)));
  return box;
}

/** A few words of it, for those who do not see it. */
export function contentWords(shown, most = 200) {
  if (!shown || (shown.text === null && shown.cells === null)) {
    return "";
  }
  const words = shown.cells === null
    ? shown.text
    : shown.cells.map(([name, value]) => `${name}: ${value ?? phrase("missing")}`).join("; ");
  const letters = [...words.trim().replace(/\s+/gu, " ")];
  return letters.length > most ? `${letters.slice(0, most).join("")}…` : letters.join("");
}

function cardText(text, sought) {
  const words =
    lacking(text, phrase("blanks")) ??
    marked("span", "words", text.replace(/^\s*\n/u, ""), sought);
  words.dir = "auto";
  return words;
}

function wholeText({ text, is_whole: isWhole, letters }, sought) {
  const words = lacking(text, phrase("blanks")) ?? marked("p", "words", text, sought);
  words.dir = "auto";
  if (isWhole) {
    return [words];
  }
  const note = phrase("first_letters", { count: count([...text].length), all: count(letters) });
  return [words, element("p", "muted", note)];
}

function cardCells({ cells, hidden }, sought) {
  const box = element("span", "cells");
  for (const [name, value, unusual] of cells) {
    const line = element("span", unusual ? "cell unusual" : "cell");
    const words = valueOf(value, sought);
    line.append(element("bdi", "key", name), " ", words);
    if (unusual) {
      line.append(sign(), element("span", "unseen", ` ${UNUSUAL[unusual]}`));
    }
    box.append(line);
  }
  if (hidden) {
    box.append(element("span", "cell muted", phrase("more", { count: count(hidden) })));
  }
  return box;
}

function wholeCells({ cells, hidden, is_whole: isWhole }, legend, sought) {
  const list = element("dl", "cells");
  for (const [name, value, unusual] of cells) {
    const line = element("div", unusual ? "cell unusual" : "cell");
    const key = element("dt", "key");
    key.append(element("bdi", "", name));
    const place = element("dd");
    place.append(valueOf(value, sought));
    if (unusual) {
      place.append(" ", sign(), element("span", "how", ` ${UNUSUAL[unusual]}`));
    }
    line.append(key, place);
    list.append(line);
  }
  const parts = [list];
  if (hidden) {
    parts.push(element("p", "muted", phrase("more", { count: count(hidden) })));
  }
  if (!isWhole && cells.some(([, value]) => value?.endsWith("…"))) {
    parts.push(element("p", "muted", phrase("value_beginnings")));
  }
  if (cells.some(([, , unusual]) => unusual)) {
    const words = element("p", "value-legend muted");
    words.append(sign(), ` ${legend}`);
    parts.push(words);
  }
  return parts;
}

function sign() {
  const made = element("span", "unusual-sign", "!");
  made.setAttribute("aria-hidden", "true");
  return made;
}

function valueOf(value, sought) {
  if (value === null) {
    return element("i", "lacking", phrase("missing"));
  }
  const made = lacking(value, phrase("blank")) ?? marked("bdi", "value", value, sought);
  made.dir = "auto";
  return made;
}

/** A text in which what was sought is marked, in large or small letters. */
function marked(tag, className, text, sought) {
  const made = element(tag, className);
  const pattern = sought.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&");
  const parts = sought ? text.split(new RegExp(`(${pattern})`, "giu")) : [text];
  made.append(...parts.map((part, i) => (i % 2 ? element("mark", "", part) : part)));
  return made;
}

/** What is said in place of a text without a visible letter; null for any other. */
function lacking(text, blank) {
  return text.trim() ? null : element("i", "lacking", text ? blank : phrase("empty"));
}
