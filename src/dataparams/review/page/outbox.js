/*
 * Decisions on their way to the server. They are kept in this browser until the server says that
 * they are on its disk, and sent in the order in which they were made, one after the other. Each
 * has a name of its own, so that sending it twice does no harm: all pages of this browser share
 * one outbox, and whichever comes first sends.
 */

import { NotConnected, Refused, newRequest, post } from "/page/server.js";

const PATHS = { decisions: "/api/decisions", undo: "/api/undo" };
const SOONEST = 500; // milliseconds
const LATEST = 8000;

export class Outbox extends EventTarget {
  constructor(run) {
    super();
    this.run = run;
    this.prefix = `dataparams-review/${run}/outbox/`;
    this.unkept = new Map(); // what the browser has no room for
    this.serial = 0;
    this.isSending = false;
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

  /** The entries in order: [key, {kind, annotator, decisions?, effects}]. */
  read() {
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
    this.effects = new Map(this.entries.flatMap(([, entry]) => entry.effects));
  }

  /** The annotator's own opinion of a sample as it will be; undefined where nothing is waiting. */
  pending(index) {
    return this.effects.get(index);
  }

  add(entry) {
    this.serial += 1;
    const order = `${String(Date.now()).padStart(15, "0")}-${String(this.serial).padStart(6, "0")}`;
    const request = newRequest();
    const key = `${this.prefix}${order}-${request}`;
    const kept = { ...entry, request };
    try {
      localStorage.setItem(key, JSON.stringify(kept));
    } catch {
      this.unkept.set(key, kept);
    }
    this.read();
    this.tell("change");
    this.send();
    return request;
  }

  async send() {
    if (this.isSending) {
      return;
    }
    this.isSending = true;
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
    const { kind, request, annotator, decisions } = entry;
    const body = { run: this.run, request, annotator };
    if (kind === "decisions") {
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
