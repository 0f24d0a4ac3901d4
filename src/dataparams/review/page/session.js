/* What is being reviewed: the list, the current sample, the selection, and what is decided. */

import { CurrentGroup } from "/page/current_group.js";
import { Queue } from "/page/samples.js";
import { newRequest } from "/page/server.js";

const HISTORY_KEPT = 10_000;

export class Session extends EventTarget {
  constructor(run, samples, outbox) {
    super();
    this.run = run;
    this.samples = samples;
    this.outbox = outbox;
    this.classNames = run.classes.map((one) => one.name);
    samples.adjudicators = new Set(run.adjudicators);
    this.annotator = null;
    this.queue = null;
    this.position = 0;
    this.selection = new Set();
    this.history = []; // requests of this page: {before}; empty where another page decided too
    this.made = new Set(); // names of this page's requests that wait
    this.touched = new Set(); // samples decided about since the list was loaded
    this.group = new CurrentGroup(this);
    this.lastLabel = null; // the class given last
    this.progress = null;
    outbox.addEventListener("elsewhere", ({ detail }) => this.onElsewhere(detail));
    outbox.addEventListener("sent", ({ detail }) => this.onSent(detail));
    outbox.addEventListener("refused", ({ detail }) => this.onRefused(detail));
  }

  tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  setAnnotator(name) {
    this.annotator = name;
    this.samples.setAnnotator(name);
    this.history = [];
    this.tell("annotator");
  }

  /* The list ----------------------------------------------------------------------------------- */

  async load(query) {
    const queue = new Queue(this.samples, { ...query, annotator: this.annotator });
    this.loading = queue;
    await this.outbox.sending; // what was just decided counts in the list
    const answer = await queue.start();
    if (this.loading !== queue) {
      return; // another filter was set meanwhile
    }
    this.queue = queue;
    this.position = 0;
    this.anchor = null;
    this.selection.clear();
    this.touched.clear();
    this.progress = answer.progress;
    this.tell("queue");
    this.tell("current");
    this.tell("selection");
    this.tell("progress");
  }

  /** The words that the list was searched for. */
  get sought() {
    return this.queue?.query.search ?? "";
  }

  get current() {
    return this.queue?.at(this.position) ?? null;
  }

  get targets() {
    if (this.selection.size || this.current === null) {
      return [...this.selection];
    }
    return this.group.isTarget ? this.group.members : [this.current];
  }

  /** Whether the list is known up to a position; "trouble" tells why it is not. */
  async reach(position) {
    try {
      await this.queue.reach(position);
      return true;
    } catch (error) {
      this.tell("trouble", error);
      return false;
    }
  }

  async moveTo(position) {
    const last = this.queue.total - 1;
    const wanted = Math.max(0, Math.min(position, last));
    if (last < 0) {
      return;
    }
    if (!(await this.reach(wanted))) {
      return;
    }
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
    const passesDecided = this.waitsForDecisions;
    let isKnown = await this.reach(position);
    while (
      isKnown &&
      passesDecided &&
      position < this.queue.indices.length &&
      this.samples.ownOpinion(this.queue.at(position)) !== null
    ) {
      position += 1;
      isKnown = await this.reach(position);
    }
    if (!isKnown) {
      return;
    }
    if (position >= this.queue.total) {
      this.tell("end");
      return;
    }
    await this.moveTo(position);
  }

  /** Whether the list is of samples that leave it once they are decided about. */
  get waitsForDecisions() {
    return ["todo", "open", "audit"].includes(this.queue?.query.decision);
  }

  /** Whether the samples of the list are judged blind. */
  get isAudit() {
    return this.queue?.query.decision === "audit";
  }

  /** How many samples of the list were decided about since it was loaded. */
  get decidedSince() {
    return [...this.touched].filter((index) => this.samples.ownOpinion(index) !== null).length;
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
    if (!(await this.reach(position))) {
      return;
    }
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
    return this.decideEach(decisions);
  }

  /** Decide about some samples, all or none: [index, action, class] each. */
  decideEach(decisions) {
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
    decisions.forEach(([index]) => this.touched.add(index));
    this.lastLabel = decisions.at(-1)[2] ?? this.lastLabel;
    this.send({ kind: "decisions", decisions, audit: this.isAudit, effects });
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
      return [index, "relabel", facts.suggested];
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
    this.send({ kind: "undo", effects });
    this.count(now, effects);
    this.tell("opinions");
    return last ? effects.map(([index]) => index) : null;
  }

  send(entry) {
    // Named before it is sent: the answer may be there before the next line is.
    const request = newRequest();
    this.made.add(request);
    this.outbox.add({ ...entry, annotator: this.annotator, request });
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
      this.progress.audit_mine += this.isAudit ? change : 0;
    });
    this.tell("progress");
  }

  onSent({ entry, answer }) {
    const isOurs = this.made.delete(entry.request);
    if (entry.kind === "note") {
      this.tell("noted", entry.note.index);
      return;
    }
    if (entry.annotator === this.annotator) {
      if (entry.kind === "undo") {
        this.onUndone(entry, answer, isOurs);
      } else {
        entry.effects.forEach(([index, own]) => this.samples.setOwn(index, own));
        // Who has decided is told what others want, and of the audit what else is known.
        Object.entries(answer.opinions).forEach(([index, now]) => {
          this.samples.setOpinions(Number(index), now);
        });
        if (entry.audit) {
          this.samples.forgetOpinions(entry.effects.map(([index]) => index));
        }
      }
      if (!isOurs) {
        this.forgetHistory(entry.effects);
      }
    }
    if (!this.outbox.length) {
      this.progress = answer.progress;
      this.tell("progress");
    }
    this.tell("opinions");
  }

  /** The server took back the annotator's last request, which another page may have made. */
  onUndone({ effects }, { indices, opinions }, isOurs) {
    const taken = new Set(indices);
    const expected = effects.filter(([index]) => taken.has(index));
    expected.forEach(([index, own]) => this.samples.setOwn(index, own));
    Object.entries(opinions).forEach(([index, now]) => this.samples.setOpinions(Number(index), now));
    const isOther = expected.length < effects.length;
    if (isOther) {
      this.forgetHistory(effects);
    }
    if (isOurs) {
      this.tell("undone", { indices, isOther, wasTold: effects.length > 0 && !isOther });
    }
  }

  onRefused({ entry, reason }) {
    this.made.delete(entry.request);
    if (entry.kind !== "note") {
      this.forgetHistory(entry.effects);
    }
    this.tell("refused", reason);
  }

  /** Another page of this browser sent what waited. */
  onElsewhere(entry) {
    if (entry.annotator !== this.annotator || entry.kind === "note") {
      return;
    }
    this.made.delete(entry.request);
    if (entry.kind === "decisions") {
      entry.effects.forEach(([index, own]) => this.samples.setOwn(index, own));
    }
    this.forgetHistory(entry.effects);
  }

  /** What undoing would take back is no longer known here: the server tells when it is asked. */
  forgetHistory(effects) {
    this.history = [];
    this.samples.forgetOpinions(effects.map(([index]) => index));
    this.tell("stale");
    this.tell("opinions");
  }

  /* Others ------------------------------------------------------------------------------------- */

  /** Classes that were added or renamed, here or by others. */
  setClassNames(names) {
    if (names.length === this.classNames.length && names.every((name, i) => name === this.classNames[i])) {
      return;
    }
    const empty = { count: 0, easy: 0, hard: 0, review: 0, unjudged: null };
    this.run.classes = names.map((name, label) => ({ ...(this.run.classes[label] ?? empty), name }));
    this.classNames.splice(0, this.classNames.length, ...names); // others hold on to the list
    this.tell("classes");
    this.tell("opinions");
  }

  /** Leave a note on a sample; it is kept in this browser until the server has it. */
  note(index, text, tags) {
    this.send({ kind: "note", note: { index, text, tags }, effects: [] });
  }

  /** What the server tells of changes, by whomever. */
  hear(changes) {
    this.setClassNames(changes.class_names);
    if (changes.reload) {
      this.samples.forgetOpinions();
      this.tell("stale");
    }
    for (const [index, opinions] of Object.entries(changes.opinions)) {
      const isOwnChanged = this.samples.setOpinions(Number(index), opinions);
      if (isOwnChanged && this.outbox.pending(this.annotator, Number(index)) === undefined) {
        this.history = []; // the same annotator decides on another page as well
      }
    }
    if (!this.outbox.length) {
      this.progress = changes.progress;
      this.tell("progress");
    }
    if (changes.noted.length) {
      this.tell("noted-elsewhere", new Set(changes.noted));
    }
    if (changes.reload || Object.keys(changes.opinions).length) {
      this.tell("opinions");
    }
  }
}
