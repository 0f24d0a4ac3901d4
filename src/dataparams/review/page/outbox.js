/*
 * Decisions on their way to the server. They are kept in this browser until the server says that
 * they are on its disk, and sent in the order in which they were made, one after the other. Each
 * has a name of its own, so that sending it twice does no harm: all pages of this browser share
 * one outbox, and whichever comes first sends.
 */

import { NotConnected, Refused, post } from "/page/server.js";

const PATHS = { decisions: "/api/decisions", undo: "/api/undo", note: "/api/notes" };
const SOONEST = 500; // milliseconds
const LATEST = 8000;

export class Outbox extends EventTarget {
  constructor(run) {
    super();
    this.run = run;
    this.prefix = `dataparams-review/${run}/outbox/`;
    this.unkept = new Map(); // what the browser has no room for
    this.entries = [];
    this.isSending = false;
    this.sending = null; // a promise that is kept when all is sent, or waits for the network
    this.acknowledged = 0;
    this.pause = SOONEST;
    this.timer = null;
    this.trouble = null;
    this.read();
    addEventListener("storage", (event) => {
      if (event.key === null || event.key.startsWith(this.prefix)) {
        this.read();
        this.tell("change");
      }
    });
    addEventListener("online", () => this.send());
  }

  get length() {
    return this.entries.length;
  }

  get isKept() {
    return this.unkept.size === 0;
  }

  /**
   * The entries in order: [key, {kind, annotator, decisions?, audit?, note?, effects}]. Those that are gone were
   * sent by another page, which "elsewhere" tells.
   */
  read() {
    const known = this.entries;
    const found = [...this.unkept];
    try {
      for (let i = 0; i < localStorage.length; i += 1) {
        const key = localStorage.key(i);
        if (key.startsWith(this.prefix)) {
          found.push([key, JSON.parse(localStorage.getItem(key))]);
        }
      }
    } catch {
      // Storage is barred, or damaged by hand: what is in memory counts.
    }
    this.entries = found.sort(([a], [b]) => (a < b ? -1 : 1));
    this.effects = new Map();
    for (const [, { annotator, effects }] of this.entries) {
      const own = this.effects.get(annotator) ?? new Map();
      effects.forEach(([index, opinion]) => own.set(index, opinion));
      this.effects.set(annotator, own);
    }
    const keys = new Set(this.entries.map(([key]) => key));
    for (const [key, entry] of known) {
      if (!keys.has(key)) {
        this.tell("elsewhere", entry);
      }
    }
  }

  /** An annotator's opinion of a sample as it will be; undefined where nothing is waiting. */
  pending(annotator, index) {
    return this.effects.get(annotator)?.get(index);
  }

  /** Later than what is waiting, also where the clock was set back meanwhile. */
  get nextTime() {
    const last = this.entries.at(-1)?.[0].slice(this.prefix.length);
    return Math.max(Date.now(), last ? Number.parseInt(last, 10) + 1 : 0);
  }

  /** Add an entry: {kind, request, annotator, decisions?, effects}. */
  add(entry) {
    const key = `${this.prefix}${String(this.nextTime).padStart(15, "0")}-${entry.request}`;
    try {
      localStorage.setItem(key, JSON.stringify(entry));
    } catch {
      this.unkept.set(key, entry);
    }
    this.read();
    this.tell("change");
    this.send();
  }

  send() {
    if (!this.isSending) {
      this.isSending = true;
      this.sending = this.sendAll();
    }
    return this.sending;
  }

  async sendAll() {
    clearTimeout(this.timer);
    try {
      this.read();
      while (this.entries.length) {
        await this.sendFirst();
        this.read();
        this.tell("change");
      }
    } catch (error) {
      if (!(error instanceof NotConnected || error instanceof Refused)) {
        throw error;
      }
      this.later(error);
    } finally {
      this.isSending = false;
    }
  }

  async sendFirst() {
    const [key, entry] = this.entries[0];
    const { kind, request, annotator, decisions, note } = entry;
    const body = { run: this.run, request, annotator, ...note };
    if (kind === "decisions") {
      body.audit = entry.audit === true;
      body.decisions = decisions.map(([index, action, label]) => ({ index, action, label }));
    }
    let answer = null;
    try {
      answer = await post(PATHS[kind], body);
    } catch (error) {
      // What the server can never take must not keep back what comes after it.
      const isHopeless = error instanceof Refused && [404, 409, 413, 422].includes(error.status);
      if (!isHopeless || error.status === 409) {
        throw error;
      }
      this.remove(key);
      this.tell("refused", { entry, reason: error.message });
      return;
    }
    this.pause = SOONEST;
    this.trouble = null;
    this.acknowledged += 1;
    this.remove(key);
    this.tell("sent", { entry, answer });
  }

  later(error) {
    this.trouble = error;
    this.timer = setTimeout(() => this.send(), this.pause);
    this.pause = Math.min(2 * this.pause, LATEST);
    this.tell("change");
  }

  remove(key) {
    this.entries = this.entries.filter(([one]) => one !== key);
    this.unkept.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // It was never there.
    }
  }

  tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
