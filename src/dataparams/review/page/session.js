/* What is being reviewed: the list, the current sample, the selection, and what is decided. */

import { Queue } from "/page/samples.js";

const HISTORY_KEPT = 10_000;

export class Session extends EventTarget {
  constructor(run, samples, outbox) {
    super();
    this.run = run;
    this.samples = samples;
    this.outbox = outbox;
    this.classNames = run.classes.map((one) => one.name);
    this.annotator = null;
    this.queue = null;
    this.position = 0;
    this.selection = new Set();
    this.history = []; // requests of this page: {indices, before}
    this.progress = null;
    outbox.addEventListener("sent", ({ detail }) => this.onSent(detail));
    outbox.addEventListener("refused", ({ detail }) => this.onRefused(detail));
  }

  tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  setAnnotator(name) {
    this.annotator = name;
    this.samples.annotator = name;
    this.history = [];
    this.tell("annotator");
  }

  /* The list ----------------------------------------------------------------------------------- */

  async load(query) {
    const queue = new Queue(this.samples, { ...query, annotator: this.annotator });
    this.loading = queue;
    const answer = await queue.start();
    if (this.loading !== queue) {
      return; // another filter was set meanwhile
    }
    this.queue = queue;
    this.position = 0;
    this.anchor = null;
    this.selection.clear();
    this.progress = answer.progress;
    this.tell("queue");
    this.tell("current");
    this.tell("selection");
    this.tell("progress");
  }

  get current() {
    return this.queue?.at(this.position) ?? null;
  }

  get targets() {
    if (this.selection.size) {
      return [...this.selection];
    }
    return this.current === null ? [] : [this.current];
  }

  async moveTo(position) {
    const last = this.queue.total - 1;
    const wanted = Math.max(0, Math.min(position, last));
    if (last < 0) {
      return;
    }
    await this.queue.reach(wanted);
    this.position = Math.max(0, Math.min(wanted, this.queue.indices.length - 1));
    this.tell("current");
  }

  async moveToIndex(index) {
    const position = this.queue.positionOf(index);
    if (position >= 0) {
      await this.moveTo(position);
    }
    return position >= 0;
  }

  /** The next sample that waits for a decision, or the next one where a list is looked through. */
  async advance(from) {
    let position = from + 1;
    const passesDecided = ["todo", "open"].includes(this.queue.query.decision);
    await this.queue.reach(position);
    while (
      passesDecided &&
      position < this.queue.indices.length &&
      this.samples.ownOpinion(this.queue.at(position)) !== null
    ) {
      position += 1;
      await this.queue.reach(position);
    }
    if (position >= this.queue.total) {
      this.tell("end");
      return;
    }
    await this.moveTo(position);
  }

  /* The selection ------------------------------------------------------------------------------ */

  toggle(index, position) {
    if (!this.selection.delete(index)) {
      this.selection.add(index);
    }
    this.anchor = position;
    this.tell("selection");
  }

  /** Select from where the selection began up to a position. */
  async selectTo(position) {
    await this.queue.reach(position);
    const anchor = this.anchor ?? this.position;
    const [from, to] = [Math.min(anchor, position), Math.max(anchor, position)];
    const most = this.run.most_decisions;
    this.queue.indices.slice(from, Math.min(to + 1, from + most)).forEach((one) => {
      this.selection.add(one);
    });
    this.anchor = anchor;
    this.position = position;
    this.tell("selection");
    this.tell("current");
  }

  select(indices) {
    indices.forEach((one) => this.selection.add(one));
    this.tell("selection");
  }

  async selectAll() {
    const most = this.run.most_decisions;
    await this.queue.reach(Math.min(this.queue.total, most) - 1);
    this.selection = new Set(this.queue.indices.slice(0, most));
    this.tell("selection");
  }

  clearSelection() {
    this.anchor = null;
    this.selection.clear();
    this.tell("selection");
  }

  /* Decisions ---------------------------------------------------------------------------------- */

  /**
   * Decide about some samples. Returns what was decided, by sample; those for which a suggestion
   * should be taken and none is known are left out.
   */
  decide(indices, action, label = null) {
    const decisions = indices
      .map((index) => this.decisionOf(index, action, label))
      .filter((decision) => decision !== null);
    if (!decisions.length) {
      return [];
    }
    const before = decisions.map(([index]) => [index, this.bare(this.samples.ownOpinion(index))]);
    const effects = decisions.map(([index, made, to]) => [
      index,
      { action: made, label: made === "keep" ? (this.samples.facts.get(index)?.label ?? null) : to },
    ]);
    this.history.push({ before });
    if (this.history.length > HISTORY_KEPT) {
      this.history.shift();
    }
    this.outbox.add({ kind: "decisions", annotator: this.annotator, decisions, effects });
    this.count(before, effects);
    this.tell("opinions");
    return decisions;
  }

  decisionOf(index, action, label) {
    const facts = this.samples.facts.get(index);
    if (action === "suggest") {
      if (!facts || facts.suggested === null) {
        return null;
      }
      const isGiven = facts.suggested === facts.label;
      return isGiven ? [index, "keep", null] : [index, "relabel", facts.suggested];
    }
    return action === "relabel" && label === facts?.label
      ? [index, "keep", null]
      : [index, action, action === "relabel" ? label : null];
  }

  /** Take back the last request. Returns its samples where this page made it, else null. */
  undo() {
    const last = this.history.pop();
    const effects = last?.before ?? [];
    const now = effects.map(([index]) => [index, this.bare(this.samples.ownOpinion(index))]);
    this.outbox.add({ kind: "undo", annotator: this.annotator, effects });
    this.count(now, effects);
    this.tell("opinions");
    return last ? effects.map(([index]) => index) : null;
  }

  bare(opinion) {
    return opinion && { action: opinion.action, label: opinion.label };
  }

  /** Count at once; the server's own figures come with its answer. */
  count(before, after) {
    if (!this.progress) {
      return;
    }
    before.forEach(([index, old], i) => {
      const change = Number(after[i][1] !== null) - Number(old !== null);
      const isSuspicious = this.samples.facts.get(index)?.category !== "easy";
      this.progress.mine += change;
      this.progress.mine_suspicious += isSuspicious ? change : 0;
    });
    this.tell("progress");
  }

  onSent({ entry, answer }) {
    if (entry.annotator === this.annotator) {
      for (const [index, own] of entry.effects) {
        this.samples.setOwn(index, own);
      }
    }
    if (entry.kind === "undo") {
      for (const [index, opinions] of Object.entries(answer.opinions)) {
        this.samples.setOpinions(Number(index), opinions);
      }
      this.tell("undone", answer.indices);
    }
    if (!this.outbox.length) {
      this.progress = answer.progress;
      this.tell("progress");
    }
    this.tell("opinions");
  }

  onRefused({ reason }) {
    this.tell("opinions");
    this.tell("refused", reason);
  }

  /* Others ------------------------------------------------------------------------------------- */

  /** What the server tells of changes, by whomever. Returns whether everything must be read anew. */
  hear(changes) {
    for (const [index, opinions] of Object.entries(changes.opinions)) {
      this.samples.setOpinions(Number(index), opinions);
    }
    if (!this.outbox.length) {
      this.progress = changes.progress;
      this.tell("progress");
    }
    if (changes.reload || Object.keys(changes.opinions).length) {
      this.tell("opinions");
    }
  }
}
