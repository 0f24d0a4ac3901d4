/* The group of the current sample: one thing under different labels, which is decided once. */

export class CurrentGroup {
  constructor(session) {
    this.session = session;
    this.apart = new Set(); // groups of which each sample is decided about alone
  }

  /** The number of the group in which a sample comes in this list; null for none. */
  numberAt(position) {
    const { queue, samples } = this.session;
    const facts = samples.facts.get(queue?.at(position));
    return position < (queue?.grouped ?? 0) ? (facts?.group ?? null) : null;
  }

  get number() {
    return this.numberAt(this.session.position);
  }

  /** Its words and samples; null for none, and while they are not known. */
  get known() {
    return this.number === null ? null : (this.session.samples.groups.get(this.number) ?? null);
  }

  get isApart() {
    return this.apart.has(this.number);
  }

  /** Whether a decision about the current sample is one about all of the group. */
  get isTarget() {
    return !this.session.selection.size && this.number !== null && !this.isApart;
  }

  /** The samples that such a decision is about, the current one first; none while they are not known. */
  get members() {
    if (this.known === null) {
      return [];
    }
    const { current, queue, run } = this.session;
    const { samples, assigned } = this.known;
    const others = (queue.query.assigned ? assigned : samples).filter((one) => one !== current);
    return [current, ...others].slice(0, run.most_decisions);
  }

  /** Know whom a decision is about: where the server has another list of groups by now, about one. */
  async know() {
    const { known, number } = this;
    if (number === null || (known === null && this.isApart)) {
      return;
    }
    try {
      await this.session.samples.loadGroup(number);
    } catch (error) {
      if (error.status !== 404) {
        throw error;
      }
      this.apart.add(number);
      this.session.tell("group");
    }
  }

  /** Decide about each sample of the group alone, or about all of them at once again. */
  toggleApart() {
    if (this.number !== null && !this.apart.delete(this.number)) {
      this.apart.add(this.number);
    }
    this.session.tell("group");
  }
}
