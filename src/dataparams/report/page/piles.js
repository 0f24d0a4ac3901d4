/* The cards of a pile, which load as they are scrolled, or all of them for paper. */

import { WORDS, count, element, fillMark, fillName, fillSuggestion, phrase } from "../../web/page/elements.js";
import { cardContent } from "../../web/page/contents.js";
import { reportPhrase } from "./words.js";
import { cardId, chunkSize, content, loadChunk, shownCount } from "./chunks.js";

function image(source, isTiny, description) {
  const made = element("img", isTiny ? "tiny" : "");
  made.alt = description;
  made.loading = "lazy";
  made.decoding = "async";
  made.src = source;
  return made;
}

export function isWritten(sample) {
  return sample.text !== null || sample.cells !== null;
}

/** A picture, or a text or row as a card shows it. */
export function fillPicture(place, sample, source, description = "") {
  place.classList.toggle("written", content.dataset.kind !== "image");
  place.replaceChildren(
    source
      ? image(source, sample.is_tiny, description)
      : cardContent(sample, content.dataset.missing),
  );
}

function makeCard(sample, pile, number) {
  const card = document.getElementById("card").content.firstElementChild.cloneNode(true);
  card.id = cardId(pile, number);
  card.classList.add(sample.category);
  const link = card.querySelector(".card-link");
  link.href = sample.large ?? sample.small ?? `#${card.id}`;
  link.dataset.sample = `${pile}:${number}`;
  const flag = sample.is_outlier ? `, ${phrase("outlier")}` : "";
  if (!isWritten(sample)) {
    link.setAttribute("aria-label", `${sample.id}, ${WORDS[sample.category].toLowerCase()}${flag}`);
  }
  card.querySelector(".flag").hidden = !sample.is_outlier;
  fillPicture(card.querySelector(".picture"), sample, sample.small);
  fillMark(card.querySelector(".mark"), sample.category);
  const file = card.querySelector(".file");
  fillName(file, sample.id);
  file.title = sample.id;
  fillName(card.querySelector(".given"), sample.label);
  fillSuggestion(card.querySelector(".suggested"), sample, sample.suggested);
  fillDecision(card, sample);
  return card;
}

function fillDecision(card, sample) {
  if (sample.decided === null) {
    card.querySelectorAll(".card-decided").forEach((one) => one.remove());
  } else {
    fillName(card.querySelector(".card-decided .name"), sample.decided);
  }
}

function grid(pile) {
  return document.querySelector(`#${pile} .cards`);
}

function hasMore(pile) {
  return grid(pile).children.length < shownCount(pile);
}

async function appendChunk(pile) {
  const cards = grid(pile);
  const start = cards.children.length;
  const samples = await loadChunk(pile, start / chunkSize);
  // Two callers may have waited for the same chunk.
  if (cards.children.length === start) {
    cards.append(...samples.map((sample, i) => makeCard(sample, pile, start + i)));
  }
  const note = document.querySelector(`#${pile} .more`);
  note.querySelector(".loaded").textContent = count(cards.children.length);
  note.hidden = !hasMore(pile);
}

export async function appendUntil(pile, number) {
  while (hasMore(pile) && grid(pile).children.length <= number) {
    await appendChunk(pile);
  }
}

export function loadWhileScrolling() {
  const observer = new IntersectionObserver(
    async (entries) => {
      for (const entry of entries.filter((candidate) => candidate.isIntersecting)) {
        const note = entry.target;
        // Observed anew after each chunk, so that a note that is still in view asks again.
        observer.unobserve(note);
        try {
          await appendChunk(note.parentElement.dataset.pile);
          observer.observe(note);
        } catch (error) {
          note.textContent = error.message;
        }
      }
    },
    { rootMargin: "800px" },
  );
  document.querySelectorAll(".more").forEach((note) => observer.observe(note));
}

export async function printAll(button) {
  button.disabled = true;
  button.textContent = reportPhrase("loading");
  try {
    for (const pile of document.querySelectorAll("section.pile")) {
      await appendUntil(pile.dataset.pile, Infinity);
    }
    await loadImages();
  } finally {
    button.textContent = reportPhrase("print_all");
    button.disabled = false;
  }
  window.print();
}

async function loadImages() {
  const images = [...document.querySelectorAll("main img")];
  images.forEach((one) => {
    one.loading = "eager";
  });
  await Promise.allSettled(images.map((one) => one.decode()));
}
