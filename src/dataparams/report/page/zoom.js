/* The enlarged sample. */

import { TrajectoryChart } from "../../web/page/chart.js";
import { count, fillMark, fillName, fillSuggestion } from "../../web/page/elements.js";
import { wholeContent } from "../../web/page/contents.js";
import { cardId, content, loadSample, loadWhole, shownCount } from "./chunks.js";
import { reportPhrase } from "./words.js";
import { appendUntil, fillPicture, isWritten } from "./piles.js";

export class Zoom {
  constructor(dialog) {
    this.dialog = dialog;
    this.part = (id) => dialog.querySelector(`#zoom-${id}`);
    const place = this.part("chart");
    this.chart = new TrajectoryChart(place, JSON.parse(place.dataset.chart));
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
    // Where an arrow key is held down, another sample is wanted by now.
    if (this.pile === pile && this.number === number) {
      this.fill(sample);
    }
  }

  fill(sample) {
    this.sample = sample;
    const shown = shownCount(this.pile);
    this.dialog.className = sample.category;
    fillMark(this.dialog.querySelector(".mark"), sample.category);
    this.dialog.querySelector(".flag").hidden = !sample.is_outlier;
    this.part("count").textContent = reportPhrase("position", {
      number: count(this.number + 1),
      count: count(shown),
    });
    this.part("previous").disabled = this.number === 0;
    this.part("next").disabled = this.number === shown - 1;
    this.fillContent(sample);
    fillName(this.part("file"), sample.id);
    this.part("given").textContent = sample.label;
    this.part("index").textContent = sample.index;
    fillSuggestion(this.dialog.querySelector(".suggested"), sample, sample.suggested);
    this.fillOptional("decided", sample.decided);
    this.fillOptional("evidence", sample.evidence);
    this.fillOptional("truth", sample.truth);
    this.fillOptional("subgroup", sample.subgroup);
    this.chart.draw(sample.trajectory);
  }

  /** A picture, or all of a text or row: its beginning until the rest of it is loaded. */
  async fillContent(sample) {
    const place = this.part("picture");
    if (!isWritten(sample)) {
      fillPicture(place, sample, sample.large ?? sample.small, sample.id);
      return;
    }
    const { missing, one, legend } = content.dataset;
    const fill = (shown) => place.replaceChildren(wholeContent(shown, missing, one, legend));
    place.classList.add("written");
    fill({ ...sample, is_whole: true });
    if (sample.whole) {
      const whole = await loadWhole(sample);
      if (this.sample === sample) {
        fill(whole);
      }
    }
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
