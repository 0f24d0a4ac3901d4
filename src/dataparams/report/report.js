"use strict";

/*
 * What the pages of the report do: load more samples while scrolling, enlarge a sample, show the
 * samples of the map, sort the table of classes, print.
 *
 * Pages opened from disk may load scripts and nothing else, so samples come in chunks that are
 * scripts: `class_3/hard_0.js` calls registerChunk("hard", 0, [...]). Names in them are data; they
 * enter the page as text (textContent, alt), never as markup.
 */

const SIGNS = { easy: "●", hard: "▲", review: "◆" };
const WORDS = { easy: "Easy", hard: "Hard", review: "Need review" };

const chunks = new Map();
const requests = new Map();

// eslint-disable-next-line no-unused-vars -- the chunks call it
function registerChunk(pile, number, samples) {
  chunks.set(`${pile}_${number}`, samples);
}

/* Samples -------------------------------------------------------------------------------------- */

const content = document.getElementById("content");
const folder = content.dataset.folder;
const chunkSize = Number(content.dataset.chunk);

function loadChunk(pile, number) {
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

async function loadSample(pile, number) {
  const samples = await loadChunk(pile, Math.floor(number / chunkSize));
  return samples[number % chunkSize];
}

function shownCount(pile) {
  return Number(document.querySelector(`[data-pile="${pile}"]`).dataset.shown);
}

/** "hard:17" as pile and number. */
function parseReference(reference) {
  const [pile, number] = reference.split(":");
  return [pile, Number(number)];
}

/** The place of a sample in the piles of the page, which is the id of its card too. */
function cardId(pile, number) {
  return `${pile}-${number}`;
}

/* Pieces of a page ------------------------------------------------------------------------------ */

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function image(source, isTiny, description) {
  const made = element("img", isTiny ? "tiny" : "");
  made.alt = description;
  made.loading = "lazy";
  made.decoding = "async";
  made.src = source;
  return made;
}

function fillPicture(place, sample, source, description = "") {
  place.replaceChildren(
    source ? image(source, sample.is_tiny, description) : element("span", "no-picture", "No picture"),
  );
}

function fillMark(place, category) {
  place.className = `mark ${category}`;
  place.querySelector(".sign").textContent = SIGNS[category];
  place.querySelector(".mark-name").textContent = WORDS[category];
}

/** A file name that breaks after a slash first. */
function fillFile(place, id) {
  const parts = id.split("/").map((part, i, all) => (i < all.length - 1 ? `${part}/` : part));
  place.replaceChildren(
    ...parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part])),
  );
}

function percent(share) {
  return share === null ? "" : `${Math.round(100 * share)}%`;
}

function fillSuggestion(place, sample) {
  place.classList.toggle("likely", sample.is_likely);
  place.querySelector(".note").textContent = sample.note;
  place.querySelector(".name").textContent = sample.suggested ?? "";
  place.querySelector(".confidence").textContent = percent(sample.confidence);
}

function makeCard(sample, pile, number) {
  const card = document.getElementById("card").content.firstElementChild.cloneNode(true);
  card.id = cardId(pile, number);
  card.classList.add(sample.category);
  const link = card.querySelector(".card-link");
  link.href = sample.large ?? sample.small ?? `#${card.id}`;
  link.dataset.sample = `${pile}:${number}`;
  const flag = sample.is_outlier ? ", outlier?" : "";
  link.setAttribute("aria-label", `${sample.id}, ${WORDS[sample.category].toLowerCase()}${flag}`);
  card.querySelector(".flag").hidden = !sample.is_outlier;
  fillPicture(card.querySelector(".picture"), sample, sample.small);
  fillMark(card.querySelector(".mark"), sample.category);
  const file = card.querySelector(".file");
  fillFile(file, sample.id);
  file.title = sample.id;
  card.querySelector(".given").textContent = sample.label;
  fillSuggestion(card.querySelector(".suggested"), sample);
  return card;
}

/* Large piles load as they are scrolled -------------------------------------------------------- */

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
  note.querySelector(".loaded").textContent = cards.children.length.toLocaleString("en");
  note.hidden = !hasMore(pile);
}

async function appendUntil(pile, number) {
  while (hasMore(pile) && grid(pile).children.length <= number) {
    await appendChunk(pile);
  }
}

function loadWhileScrolling() {
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

/* Paper ---------------------------------------------------------------------------------------- */

async function printAll(button) {
  button.disabled = true;
  button.textContent = "Loading…";
  try {
    for (const pile of document.querySelectorAll("section.pile")) {
      await appendUntil(pile.dataset.pile, Infinity);
    }
    await loadImages();
  } finally {
    button.textContent = "Print all";
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

/* The enlarged sample --------------------------------------------------------------------------- */

class Zoom {
  constructor(dialog) {
    this.dialog = dialog;
    this.part = (id) => dialog.querySelector(`#zoom-${id}`);
    this.chart = new TrajectoryChart(this.part("chart"));
    this.part("close").addEventListener("click", () => dialog.close());
    this.part("previous").addEventListener("click", () => this.move(-1));
    this.part("next").addEventListener("click", () => this.move(1));
    dialog.addEventListener("keydown", (event) => this.onKey(event));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => this.returnFocus());
  }

  async open(pile, number, opener = null) {
    this.opener = opener;
    this.openedAt = cardId(pile, number);
    await this.show(pile, number);
    if (!this.dialog.open) {
      this.dialog.showModal();
    }
  }

  async show(pile, number) {
    this.pile = pile;
    this.number = number;
    const sample = await loadSample(pile, number);
    // Whoever holds an arrow key down is further by now.
    if (this.pile === pile && this.number === number) {
      this.fill(sample);
    }
  }

  fill(sample) {
    const count = shownCount(this.pile);
    this.dialog.className = sample.category;
    fillMark(this.dialog.querySelector(".mark"), sample.category);
    this.dialog.querySelector(".flag").hidden = !sample.is_outlier;
    this.part("count").textContent = `${this.number + 1} of ${count.toLocaleString("en")}`;
    this.part("previous").disabled = this.number === 0;
    this.part("next").disabled = this.number === count - 1;
    fillPicture(this.part("picture"), sample, sample.large ?? sample.small, sample.id);
    fillFile(this.part("file"), sample.id);
    this.part("given").textContent = sample.label;
    this.part("index").textContent = sample.index;
    fillSuggestion(this.dialog.querySelector(".suggested"), sample);
    this.fillOptional("evidence", sample.evidence);
    this.fillOptional("truth", sample.truth);
    this.fillOptional("subgroup", sample.subgroup);
    this.chart.draw(sample.trajectory);
  }

  fillOptional(name, text) {
    this.dialog.querySelectorAll(`.zoom-${name}`).forEach((one) => {
      one.hidden = text === null;
    });
    this.part(name).textContent = text ?? "";
  }

  move(step) {
    const number = this.number + step;
    if (number >= 0 && number < shownCount(this.pile)) {
      this.show(this.pile, number);
    }
  }

  onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.move(step);
    }
  }

  /** Back to where it was opened from or, after moving on, to the card of the sample last seen. */
  async returnFocus() {
    const id = cardId(this.pile, this.number);
    if (id === this.openedAt && this.opener) {
      this.opener.focus();
      return;
    }
    if (document.getElementById(this.pile)) {
      await appendUntil(this.pile, this.number);
      document.getElementById(id)?.querySelector("a").focus();
    }
  }
}

class TrajectoryChart {
  constructor(svg) {
    this.line = svg.querySelector("#zoom-line");
    this.end = svg.querySelector("#zoom-end");
    const { epochs, ...sides } = svg.dataset;
    this.epochs = epochs.split(",").map(Number);
    for (const [name, value] of Object.entries(sides)) {
      this[name] = Number(value);
    }
  }

  x(epoch) {
    const first = this.epochs[0];
    const span = this.epochs[this.epochs.length - 1] - first;
    if (span === 0) {
      return (this.left + this.right) / 2; // as the axes do
    }
    return this.left + ((epoch - first) / span) * (this.right - this.left);
  }

  y(logTemperature) {
    const share = (this.high - logTemperature) / (this.high - this.low);
    return this.top + share * (this.bottom - this.top);
  }

  draw(trajectory) {
    const points = trajectory
      .map((value, i) => [this.epochs[i], value])
      .filter(([, value]) => value !== null)
      .map(([epoch, value]) => [this.x(epoch).toFixed(1), this.y(value).toFixed(1)]);
    const last = points[points.length - 1];
    this.line.setAttribute("d", last ? `M${points.map((point) => point.join(" ")).join("L")}` : "");
    this.end.setAttribute("visibility", last ? "visible" : "hidden");
    if (last) {
      this.end.setAttribute("cx", last[0]);
      this.end.setAttribute("cy", last[1]);
    }
  }
}

/* The map --------------------------------------------------------------------------------------- */

const REACH = 18; // CSS pixels within which a mark counts as pointed at: fingers are wide

class SampleMap {
  constructor(svg, zoom) {
    this.svg = svg;
    this.tip = document.getElementById("map-tip");
    this.ring = document.getElementById("map-ring");
    this.points = [...svg.querySelectorAll(".point")].map((mark) => ({
      x: Number(mark.getAttribute("x")),
      y: Number(mark.getAttribute("y")),
      reference: mark.dataset.sample,
    }));
    this.current = null;
    this.last = this.mostSuspicious();
    svg.addEventListener("pointermove", (event) => this.select(this.at(event)));
    svg.addEventListener("pointerleave", () => this.select(null));
    svg.addEventListener("focus", () => this.current || this.select(this.last));
    svg.addEventListener("blur", () => this.select(null));
    svg.addEventListener("keydown", (event) => this.onKey(event));
    svg.addEventListener("click", (event) => {
      this.select(this.at(event));
      this.enlarge();
    });
    this.zoom = zoom;
  }

  /** Pixels per unit of the drawing. */
  scale() {
    return this.svg.clientWidth / this.svg.viewBox.baseVal.width;
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.scale();
    const x = (event.clientX - box.left) / scale;
    const y = (event.clientY - box.top) / scale;
    const distance = (point) => Math.hypot(point.x - x, point.y - y);
    // The later of two is drawn on top.
    const nearest = this.points.reduce((best, point) =>
      distance(point) <= distance(best) ? point : best,
    );
    return distance(nearest) * scale <= REACH ? nearest : null;
  }

  mostSuspicious() {
    return this.points.find((point) => point.reference === "hard:0") ?? this.points[0];
  }

  async select(point) {
    if (this.current === point) {
      return;
    }
    this.current = point;
    this.ring.setAttribute("visibility", point ? "visible" : "hidden");
    if (!point) {
      this.tip.hidden = true;
      return;
    }
    this.last = point;
    this.ring.setAttribute("cx", point.x);
    this.ring.setAttribute("cy", point.y);
    const sample = await loadSample(...parseReference(point.reference));
    if (this.current === point) {
      this.showTip(sample, point);
    }
  }

  showTip(sample, point) {
    const picture = element("span", "picture");
    fillPicture(picture, sample, sample.small);
    const mark = element("span", `mark ${sample.category}`);
    mark.textContent = `${SIGNS[sample.category]} ${WORDS[sample.category]}`;
    const file = element("span", "file name");
    fillFile(file, sample.id);
    const lines = [
      picture,
      mark,
      file,
      element("span", "name", `Given: ${sample.label}`),
    ];
    const words = [sample.note, sample.suggested ?? "", percent(sample.confidence)];
    lines.push(element("span", "name", `Suggested: ${words.filter(Boolean).join(" ")}`));
    this.tip.replaceChildren(...lines);
    this.tip.hidden = false;
    this.placeTip(point);
  }

  placeTip(point) {
    const scale = this.scale();
    const [x, y] = [point.x * scale, point.y * scale];
    const isRight = x + 16 + this.tip.offsetWidth > this.svg.clientWidth;
    const left = isRight ? x - 16 - this.tip.offsetWidth : x + 16;
    const limit = this.svg.clientHeight - this.tip.offsetHeight - 4;
    this.tip.style.left = `${Math.max(left, 4)}px`;
    this.tip.style.top = `${Math.max(Math.min(y - 40, limit), 4)}px`;
  }

  onKey(event) {
    const direction = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key];
    if (direction) {
      event.preventDefault();
      this.select(this.neighbour(direction));
    } else if (event.key === "Enter") {
      // Else the key goes on to the button that the dialog puts the focus on.
      event.preventDefault();
      this.enlarge();
    } else if (event.key === "Escape") {
      this.select(null);
    }
  }

  /** The nearest mark in a direction; what lies aside of it counts as further away. */
  neighbour([right, down]) {
    const from = this.last;
    let best = from;
    let least = Infinity;
    for (const point of this.points) {
      const along = (point.x - from.x) * right + (point.y - from.y) * down;
      const aside = Math.abs((point.x - from.x) * down) + Math.abs((point.y - from.y) * right);
      const cost = along + 2 * aside;
      if (along > 0 && cost < least) {
        [best, least] = [point, cost];
      }
    }
    return best;
  }

  enlarge() {
    if (this.current) {
      this.zoom.open(...parseReference(this.current.reference), this.svg);
    }
  }
}

/* The table of classes --------------------------------------------------------------------------- */

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    if (!heading.dataset.sort) {
      return;
    }
    const button = element("button", "", heading.textContent);
    button.type = "button";
    heading.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, headings, column));
  });
}

function sortBy(table, headings, column) {
  const heading = headings[column];
  const isText = heading.dataset.sort === "text";
  const first = isText ? "ascending" : "descending";
  const other = isText ? "descending" : "ascending";
  const order = heading.ariaSort === first ? other : first;
  headings.forEach((one) => one.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", order);
  const value = (row) => row.cells[column].dataset.value;
  const compare = isText
    ? (a, b) => value(a).localeCompare(value(b), undefined, { numeric: true })
    : (a, b) => Number(value(a)) - Number(value(b));
  const sign = order === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
}

/* Beginning --------------------------------------------------------------------------------------- */

function openFromAddress(zoom) {
  const match = /^#(hard|review|easy)-(\d+)$/.exec(location.hash);
  if (match && Number(match[2]) < shownCount(match[1])) {
    zoom.open(match[1], Number(match[2]));
  }
}

function startClassPage() {
  const zoom = new Zoom(document.getElementById("zoom"));
  const drawing = document.getElementById("map-drawing");
  if (drawing) {
    new SampleMap(drawing, zoom);
  }
  content.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-sample]");
    // With a modifier key the picture opens in a tab of its own, as with any link.
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      zoom.open(...parseReference(link.dataset.sample), link);
    }
  });
  const print = document.getElementById("print");
  print.hidden = false;
  print.addEventListener("click", () => printAll(print));
  loadWhileScrolling();
  openFromAddress(zoom);
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
if (folder) {
  startClassPage();
}
