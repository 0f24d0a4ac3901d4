/* What the buttons and keys do: decide about samples, go on to the next, and take back. */

import { counted } from "/page/pieces.js";
import { ClassPicker } from "/page/picker.js";

export class Deciding {
  constructor(page) {
    this.page = page;
    this.session = page.session;
    this.picker = new ClassPicker(page.session);
    this.turn = Promise.resolve();
    this.onSaved = null;
    this.session.addEventListener("end", () => this.onEnd());
    this.session.addEventListener("undone", ({ detail }) => this.onUndone(detail));
    page.outbox.addEventListener("change", () => this.reloadIfSaved());
  }

  /** The samples that a decision would be about. */
  get targets() {
    return this.page.view === "map" ? [...this.session.selection] : this.session.targets;
  }

  /** One after the other, also where a step waits for the server. */
  inTurn(step) {
    const done = this.turn.then(step);
    this.turn = done.catch(() => {});
    return done;
  }

  /** A key that is pressed before the next sample is there does not count: it was not seen. */
  async act(action) {
    if (this.isActing) {
      return;
    }
    this.isActing = true;
    try {
      await this.inTurn(() => this.actOn(action));
    } catch (error) {
      this.page.explain(error);
    } finally {
      this.isActing = false;
    }
  }

  async actOn(action) {
    const { session } = this;
    const { samples } = session;
    if (this.page.view !== "map") {
      await session.group.know();
    }
    const { targets } = this;
    if (!targets.length) {
      this.page.say(
        this.page.view === "map"
          ? "Drag around some samples first."
          : "There is no sample to decide about.",
      );
      return;
    }
    if (action === "again" && session.lastLabel === null) {
      this.page.say("Choose a class first: C.");
      return;
    }
    // What is decided must have been seen, and the suggestion known.
    await samples.loadFacts(targets);
    const isGroup = this.decidesGroup;
    if (action === "again") {
      await this.decide(targets, "relabel", session.lastLabel);
    } else if (action === "choose") {
      const only = targets.length === 1 || isGroup ? samples.facts.get(targets[0]) : null;
      const label = await this.picker.ask(targets.length, only?.suggested ?? null);
      if (label !== null) {
        await this.decide(targets, "relabel", label);
      }
      this.page.refocus();
    } else if (action === "alone" && !isGroup) {
      this.page.say("There are no copies of it here to discard.");
    } else if (isGroup) {
      await this.decideGroup(targets, action);
    } else {
      await this.decide(targets, action, null);
    }
  }

  /** Whether what is decided next is decided about a group, which is one thing. */
  get decidesGroup() {
    return this.page.view !== "map" && this.session.group.isTarget;
  }

  /** What is wanted of the sample that is shown is wanted of all of its group, which come after it. */
  async decideGroup(targets, action) {
    const { session } = this;
    const [shown, ...others] = targets;
    const { label, suggested } = session.samples.facts.get(shown);
    if (action === "suggest" && suggested === null) {
      this.page.say(this.withoutSuggestion());
    } else if (action === "keep" || action === "suggest") {
      await this.decide(targets, "relabel", action === "keep" ? label : suggested);
    } else if (action === "alone") {
      const rest = others.map((index) => [index, "discard", null]);
      const from = session.position;
      session.decideEach([[shown, "keep", null], ...rest]);
      this.page.say(`Kept one, ${counted(others.length, "copy", "copies")} discarded.`);
      await session.advance(from);
    } else {
      await this.decide(targets, action, null);
    }
  }

  async decide(targets, action, label) {
    const { session } = this;
    const hadSelection = session.selection.size > 0;
    const from = session.position;
    const decisions = session.decide(targets, action, label);
    this.page.say(this.decidedWords(decisions, targets.length));
    if (!decisions.length) {
      return;
    }
    if (hadSelection) {
      session.clearSelection();
      if (this.page.view === "grid") {
        await session.advance(Math.max(from, session.queue.lastPositionOf(new Set(targets))));
      }
    } else {
      await session.advance(from);
    }
  }

  decidedWords(decisions, wanted) {
    const { samples, classNames } = this.session;
    if (!decisions.length) {
      return wanted === 1 ? this.withoutSuggestion() : "No labels are suggested.";
    }
    const left = wanted - decisions.length;
    const rest = left ? ` ${counted(left, "sample has", "samples have")} no suggestion and are left.` : "";
    const [index, action, label] = decisions[0];
    const name = classNames[label ?? samples.facts.get(index)?.label];
    if (decisions.length === 1) {
      const words = {
        keep: `Kept as ${name}`,
        relabel: `Now ${name}`,
        discard: "Discarded",
        skip: "Unsure",
      };
      return `${words[action]}.${rest}`;
    }
    const classOf = ([at, one, to]) => (one === "keep" ? samples.facts.get(at)?.label : to);
    if (new Set(decisions.map(classOf)).size === 1 && decisions.some(([, one]) => one !== action)) {
      return `${counted(decisions.length, "sample")}: ${name}.${rest}`;
    }
    const isSame = decisions.every(([, one, to]) => one === action && to === label);
    const what = isSame
      ? { keep: "kept", relabel: `now ${name}`, discard: "discarded", skip: "unsure" }[action]
      : "took their suggestions";
    return `${counted(decisions.length, "sample")} ${what}.${rest}`;
  }

  /** Why there is no suggestion to take. */
  withoutSuggestion() {
    const facts = this.session.samples.facts.get(this.session.targets[0]);
    return !facts || facts.note === "none"
      ? "No label is suggested for this sample."
      : `There is no suggestion to take: ${facts.note}.`;
  }

  /** A list of what is to do ends where it began: with what was passed over, or with nothing. */
  onEnd() {
    if (this.session.isAudit) {
      this.reloadWhenSaved((total) => total || this.page.audit.show());
    } else if (this.session.waitsForDecisions) {
      this.reloadWhenSaved((total) => {
        if (total) {
          const comes = counted(total, "sample comes", "samples come");
          this.page.say(`That was the last one. ${comes} again that you passed over.`);
        }
      });
    } else {
      this.page.say("That was the last one of this list.");
    }
  }

  /** Read the list anew when the server knows all that was decided. */
  reloadWhenSaved(then) {
    this.onSaved = then;
    this.reloadIfSaved();
  }

  reloadIfSaved() {
    const then = this.onSaved;
    if (!then || this.page.outbox.length) {
      return;
    }
    this.onSaved = null;
    this.inTurn(async () => (await this.page.reload()) && then(this.session.queue.total));
  }

  undo() {
    return this.inTurn(() => this.undoNow());
  }

  async undoNow() {
    const { session } = this;
    const undone = session.undo();
    if (undone === null) {
      // Made before this page was opened, or on another one: the server tells what it was.
      if (!this.page.link.isConnected) {
        this.page.say("What this takes back shows when the server answers again.");
      }
      return;
    }
    this.page.say(undone.length === 1 ? "Undone." : `Undone for ${counted(undone.length, "sample")}.`);
    await this.showUndone(undone[0]);
  }

  async showUndone(index) {
    const { session } = this;
    if (this.page.view !== "map" && !(await session.moveToIndex(index)) && !session.queue.total) {
      this.reloadWhenSaved(() => session.moveToIndex(index));
    }
  }

  async onUndone({ indices, isOther, wasTold }) {
    if (wasTold) {
      return;
    }
    if (!indices.length) {
      this.page.say("There is nothing left to undo.");
      return;
    }
    const words = indices.length === 1 ? "Undone" : `Undone for ${counted(indices.length, "sample")}`;
    this.page.say(isOther ? `${words}: your last decision, made on another page.` : `${words}.`);
    if (this.page.view !== "map") {
      await this.showUndone(indices[0]);
    }
  }
}
