/*
 * The samples of the page. Pages opened from disk may load scripts and nothing else, so samples come
 * in chunks that are scripts: `class_3/hard_0.js` calls registerChunk("hard", 0, [...]).
 */

import { reportPhrase } from "./words.js";

const chunks = new Map();
const requests = new Map();

export const content = document.getElementById("content");
export const folder = content.dataset.folder;
export const chunkSize = Number(content.dataset.chunk);

export function registerChunk(pile, number, samples) {
  chunks.set(`${folder}/${pile}_${number}.js`, samples);
}

/** All of some texts or rows, by index: `class_3/whole_0.js` calls registerWhole(its name, {...}). */
export function registerWhole(file, shown) {
  chunks.set(file, shown);
}

export function loadChunk(pile, number) {
  return load(`${folder}/${pile}_${number}.js`);
}

export async function loadWhole(sample) {
  return (await load(sample.whole))[sample.index];
}

function load(file) {
  if (!requests.has(file)) {
    requests.set(
      file,
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = file;
        script.onload = () => resolve(chunks.get(file));
        script.onerror = () => {
          requests.delete(file);
          reject(new Error(reportPhrase("cannot_load", { file: script.src })));
        };
        document.head.append(script);
      }),
    );
  }
  return requests.get(file);
}

export async function loadSample(pile, number) {
  const samples = await loadChunk(pile, Math.floor(number / chunkSize));
  return samples[number % chunkSize];
}

export function shownCount(pile) {
  return Number(document.querySelector(`[data-pile="${pile}"]`).dataset.shown);
}

/** "hard:17" as pile and number. */
export function parseReference(reference) {
  const [pile, number] = reference.split(":");
  return [pile, Number(number)];
}

/** The place of a sample in the piles of the page, which is the id of its card too. */
export function cardId(pile, number) {
  return `${pile}-${number}`;
}
