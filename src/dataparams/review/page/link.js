/* Whether the server answers, what others did meanwhile, and the banner that tells of trouble. */

import { byId } from "/page/elements.js";
import { counted } from "/page/pieces.js";
import { NotConnected, Refused, get } from "/page/server.js";

const EVERY = 2500; // milliseconds between two questions for changes
const EVERY_HIDDEN = 15_000;
const LATEST = 10_000;

export class Link {
  constructor(page) {
    this.page = page;
    this.isConnected = true;
    this.pause = EVERY;
    this.error = null;
    this.pictureTrouble = null;
    addEventListener("online", () => this.ask());
    document.addEventListener("visibilitychange", () => document.hidden || this.ask());
  }

  start({ number, last_note: lastNote }) {
    this.number = number;
    this.lastNote = lastNote;
    this.schedule(EVERY);
    this.page.drawSaving();
  }

  schedule(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), document.hidden ? EVERY_HIDDEN : pause);
  }

  async ask() {
    if (this.number === undefined || this.isAsking) {
      return;
    }
    this.isAsking = true;
    try {
      const { session, outbox } = this.page;
      const parameters = {
        annotator: session.annotator,
        after: this.number,
        after_note: this.lastNote,
      };
      const { acknowledged } = outbox;
      const changes = await get("/api/changes", parameters);
      this.pictureTrouble = changes.trouble;
      this.page.renewal.hear(changes);
      this.page.movedData.hear(changes);
      this.succeed();
      // Where something was saved meanwhile the answer may be older than that: it is asked for anew.
      if (outbox.acknowledged === acknowledged) {
        this.number = changes.number;
        this.lastNote = changes.last_note;
        session.hear(changes);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.isAsking = false;
      this.schedule(this.isConnected ? EVERY : this.pause);
    }
  }

  succeed() {
    const wasCut = !this.isConnected;
    this.isConnected = true;
    this.error = null;
    this.pause = EVERY;
    if (wasCut) {
      this.page.outbox.send();
      this.page.say("Connected again.");
      this.page.grid.fillAgain(); // pictures that failed are asked for again
      this.page.single.draw();
      if (!this.page.session.queue) {
        this.page.reload();
      }
    }
    this.page.drawSaving();
  }

  fail(error) {
    if (!(error instanceof NotConnected || error instanceof Refused)) {
      throw error;
    }
    const isServerTrouble = error instanceof NotConnected || [401, 409, 421, 503].includes(error.status);
    if (isServerTrouble) {
      this.isConnected = false;
      this.error = error;
      this.pause = Math.min(1.5 * this.pause, LATEST);
      this.page.drawSaving();
    }
  }

  drawBanner() {
    const { outbox } = this.page;
    const error = this.error ?? outbox.trouble;
    const waiting = outbox.length
      ? ` ${counted(outbox.length, "step is", "steps are")} kept in this browser and sent later.`
      : "";
    let words = "";
    if (!outbox.isKept && error) {
      words = "This browser has no room to keep decisions: do not close the page before all are saved.";
    } else if (error instanceof NotConnected) {
      words = `The server does not answer. Go on deciding: nothing is lost.${waiting}`;
    } else if (error) {
      words = `${error.message}${waiting}`;
    } else if (this.pictureTrouble) {
      const { several } = this.page.run.words;
      words = `${several[0].toUpperCase()}${several.slice(1)} are missing: ${this.pictureTrouble}`;
    }
    const banner = byId("banner");
    if (banner.textContent !== words) {
      banner.textContent = words;
      banner.hidden = !words;
    }
  }
}
