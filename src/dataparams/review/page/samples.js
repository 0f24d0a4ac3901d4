/* What the page knows of samples, and the list that is shown. */

import { get, getNumbers } from "/page/server.js";

const AT_ONCE = 200;
const FIRST = 120;
const NUMBERS_AT_ONCE = 100_000;
const MOST_KEPT = 20_000;
const EXCERPTS_AT_ONCE = 100;
const WHOLE_KEPT = 40; // of texts, which may be long
const FEWEST_FOR_MAJORITY = 3;

export class Samples extends EventTarget {
  constructor(outbox, run) {
    super();
    this.outbox = outbox;
    this.run = run;
    this.facts = new Map();
    this.opinions = new Map();
    this.trajectories = new Map();
    this.similar = new Map();
    this.excerpts = new Map();
    this.reading = new Map();
    this.unread = [];
    this.whole = new Map();
    this.groups = new Map(); // that are decided once, by number
    this.askedGroups = new Map();
    this.wanted = new Set();
    this.stale = new Set();
    this.isAsking = false;
    this.annotator = null;
    this.adjudicators = new Set();
  }

  /** What one annotator may know is not what another may. */
  setAnnotator(name) {
    this.annotator = name;
    [this.facts, this.opinions, this.trajectories, this.similar, this.stale, this.groups].forEach((one) =>
      one.clear(),
    );
  }

  /** Facts from an answer of the server. */
  learn(several) {
    for (const { opinions, ...facts } of several) {
      if (this.facts.get(facts.index)?.category === "audit" && facts.category !== "audit") {
        this.trajectories.delete(facts.index); // it was judged blind, and now all of it is told
        this.similar.delete(facts.index);
      }
      this.facts.set(facts.index, facts);
      this.stale.delete(facts.index);
      this.opinions.set(facts.index, opinions);
    }
    for (const index of this.facts.keys()) {
      if (this.facts.size <= MOST_KEPT) {
        break;
      }
      this.facts.delete(index);
      this.trajectories.delete(index);
      this.similar.delete(index);
      this.excerpts.delete(index);
    }
  }

  /**
   * The opinions that the annotator may know, their own as it will be when all is sent. Those of
   * others come with the server's answer to a decision; after an undo they are out of sight again.
   */
  opinionsOf(index) {
    const known = this.opinions.get(index) ?? [];
    const pending = this.outbox.pending(this.annotator, index);
    const isOwn = (one) => one.annotator === this.annotator;
    const own = pending === undefined ? known.find(isOwn) : pending;
    const hasSay = own && own.action !== "skip";
    const seen = known.filter((one) => hasSay || this.adjudicators.has(this.annotator) || isOwn(one));
    if (pending === undefined) {
      return seen;
    }
    const others = seen.filter((one) => !isOwn(one));
    return own ? [...others, { annotator: this.annotator, ...own }] : others;
  }

  ownOpinion(index) {
    return this.opinionsOf(index).find((one) => one.annotator === this.annotator) ?? null;
  }

  /** Whether those that are known differ, and neither an adjudicator nor a majority settles it. */
  isDisputed(index) {
    const votes = this.opinionsOf(index)
      .filter((one) => one.action !== "skip")
      .map((one) => ({ by: one.annotator, wanted: `${one.action} ${one.label}` }));
    const kinds = (some) => new Set(some.map((one) => one.wanted)).size;
    if (kinds(votes) < 2) {
      return false;
    }
    const settling = votes.filter((one) => this.adjudicators.has(one.by));
    if (settling.length) {
      return kinds(settling) > 1;
    }
    const most = Math.max(...votes.map((one) => votes.filter((other) => other.wanted === one.wanted).length));
    return votes.length < FEWEST_FOR_MAJORITY || 2 * most <= votes.length;
  }

  /** Returns whether the annotator's own opinion is another one than was known. */
  setOpinions(index, opinions) {
    const own = (several) => several?.find((one) => one.annotator === this.annotator);
    const [old, now] = [own(this.opinions.get(index)), own(opinions)];
    this.opinions.set(index, opinions);
    return old?.action !== now?.action || old?.label !== now?.label;
  }

  /** After the server acknowledged the annotator's own opinion (null: none any more). */
  setOwn(index, own) {
    const known = this.opinions.get(index) ?? [];
    const others = known.filter((one) => one.annotator !== this.annotator);
    this.opinions.set(index, own ? [...others, { annotator: this.annotator, ...own }] : others);
  }

  /** Ask for facts soon, many at once; a "facts" event tells when they have come. */
  want(indices) {
    for (const index of indices) {
      if (!this.facts.has(index) || this.stale.has(index)) {
        this.wanted.add(index);
      }
    }
    if (this.wanted.size && !this.isAsking) {
      this.isAsking = true;
      queueMicrotask(() => this.ask());
    }
  }

  async ask() {
    try {
      while (this.wanted.size) {
        // The newest: others may have been scrolled away.
        const some = [...this.wanted].slice(-AT_ONCE);
        some.forEach((index) => this.wanted.delete(index));
        this.learn(await get("/api/samples", { index: some, annotator: this.annotator }));
        this.dispatchEvent(new Event("facts"));
      }
    } catch {
      this.wanted.clear(); // the list asks again when it is drawn anew
    } finally {
      this.isAsking = false;
    }
  }

  /** Facts of many samples, loaded where they are missing. */
  async loadFacts(indices) {
    const missing = indices.filter((index) => !this.facts.has(index));
    for (let start = 0; start < missing.length; start += AT_ONCE) {
      const some = missing.slice(start, start + AT_ONCE);
      this.learn(await get("/api/samples", { index: some, annotator: this.annotator }));
    }
  }

  /** The samples of a group that is decided once; a "facts" event tells when they have come. */
  async loadGroup(number) {
    const { annotator } = this;
    const key = `${number} ${annotator}`;
    if (!this.groups.has(number)) {
      const asked = this.askedGroups.get(key) ?? get(`/api/groups/${number}`, { annotator });
      this.askedGroups.set(key, asked);
      try {
        const group = await asked;
        if (annotator === this.annotator && !this.groups.has(number)) {
          this.groups.set(number, group);
          this.dispatchEvent(new Event("facts"));
        }
      } finally {
        this.askedGroups.delete(key);
      }
    }
    return this.groups.get(number);
  }

  /** The trajectory of a sample; its facts are known then as well. */
  async loadTrajectory(index) {
    if (!this.trajectories.has(index)) {
      const { trajectory, ...facts } = await get(`/api/samples/${index}`, {
        annotator: this.annotator,
      });
      this.learn([facts]);
      this.trajectories.set(index, trajectory);
    }
    return this.trajectories.get(index);
  }

  /** Clear cases of the given and the suggested class that look like a sample. */
  async loadSimilar(index) {
    if (!this.similar.has(index)) {
      const groups = await get(`/api/samples/${index}/similar`, { annotator: this.annotator });
      groups.forEach(({ samples }) => this.learn(samples));
      this.similar.set(index, groups);
    }
    return this.similar.get(index);
  }

  /** What a card shows of a text or row, null for one that cannot be read; asked for with others. */
  loadExcerpt(index) {
    if (this.excerpts.has(index)) {
      return Promise.resolve(this.excerpts.get(index));
    }
    if (!this.reading.has(index)) {
      const reading = new Promise((resolve, reject) => {
        this.unread.push({ index, resolve, reject });
      });
      this.reading.set(index, reading);
      if (this.unread.length === 1) {
        queueMicrotask(() => this.readExcerpts());
      }
    }
    return this.reading.get(index);
  }

  async readExcerpts() {
    const asked = this.unread;
    this.unread = [];
    for (let start = 0; start < asked.length; start += EXCERPTS_AT_ONCE) {
      const some = asked.slice(start, start + EXCERPTS_AT_ONCE);
      try {
        const index = some.map((one) => one.index);
        const found = await get(`/api/texts/${this.run}`, { index });
        some.forEach((one, i) => {
          this.excerpts.set(one.index, found[i]);
          one.resolve(found[i]);
        });
      } catch (error) {
        some.forEach((one) => one.reject(error));
      }
      some.forEach((one) => this.reading.delete(one.index));
    }
  }

  /** All of a text or row. */
  async loadWhole(index) {
    const excerpt = await this.loadExcerpt(index);
    if (excerpt === null || excerpt.is_whole) {
      return excerpt;
    }
    if (!this.whole.has(index)) {
      const [whole] = await get(`/api/texts/${this.run}/${index}`);
      this.whole.set(index, whole);
      for (const one of [...this.whole.keys()].slice(0, -WHOLE_KEPT)) {
        this.whole.delete(one);
      }
    }
    return this.whole.get(index);
  }

  /** Texts and rows are read anew: the data were changed. */
  forgetContents() {
    this.excerpts.clear();
    this.whole.clear();
  }

  /** Opinions may have changed unheard: they are asked for again where they are shown. */
  forgetOpinions(indices = this.facts.keys()) {
    this.stale = new Set([...this.stale, ...indices]);
  }
}

/** The samples that a filter wants, in order, as they were when the filter was set. */
export class Queue {
  constructor(samples, query) {
    this.samples = samples;
    this.query = query;
    this.indices = [];
    this.total = 0;
    this.grouped = 0; // so many of the first are in groups that are decided once
    this.isComplete = false;
    this.loading = null;
  }

  async start() {
    const answer = await get("/api/queue", { ...this.query, limit: FIRST });
    this.samples.learn(answer.samples);
    this.indices = answer.samples.map((one) => one.index);
    this.total = answer.total;
    this.grouped = answer.grouped;
    this.isComplete = this.indices.length >= this.total;
    return answer;
  }

  at(position) {
    return this.indices[position];
  }

  positionOf(index) {
    return this.indices.indexOf(index);
  }

  lastPositionOf(indices) {
    let position = this.indices.length - 1;
    while (position >= 0 && !indices.has(this.indices[position])) {
      position -= 1;
    }
    return position;
  }

  /** Load the numbers of the samples up to a position. */
  async reach(position) {
    while (this.indices.length <= position && !this.isComplete) {
      this.loading ??= this.loadMore().finally(() => {
        this.loading = null;
      });
      await this.loading;
    }
  }

  async loadMore() {
    const after = this.indices.at(-1);
    const query = { ...this.query, after, limit: NUMBERS_AT_ONCE };
    const more = await getNumbers("/api/queue/numbers", query);
    for (const index of more) {
      this.indices.push(index);
    }
    if (more.length < NUMBERS_AT_ONCE) {
      this.isComplete = true;
      this.total = this.indices.length;
    }
  }
}
