/*
 * The samples of the page. Pages opened from disk may load scripts and nothing else, so samples come
 * in chunks that are scripts: `class_3/hard_0.js` calls registerChunk("hard", 0, [...]).
 */

const chunks = new Map();
const requests = new Map();

export const content = document.getElementById("content");
export const folder = content.dataset.folder;
export const chunkSize = Number(content.dataset.chunk);

export function registerChunk(pile, number, samples) {
  chunks.set(`${pile}_${number}`, samples);
}

export function loadChunk(pile, number) {
  const name = `${pile}_${number}`;
  if (!requests.has(name)) {
    requests.set(
      name,
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `${folder}/${name}.js`;
        script.onload = () => resolve(chunks.get(name));
        script.onerror = () => {
          requests.delete(name);
          reject(new Error(`${script.src} cannot be loaded.`));
        };
        document.head.append(script);
      }),
    );
  }
  return requests.get(name);
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
