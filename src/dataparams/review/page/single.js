/* One sample, large, with what helps to decide about it. */

import { TrajectoryChart } from "/page/chart.js";
import { wholeContent } from "/page/contents.js";
import { byId, count, element, fillMark, fillName, fillSuggestion } from "/page/elements.js";
import {
  described,
  fillFrame,
  opinionSign,
  opinionWords,
  picture,
  pictureAddress,
  suggestedName,
} from "/page/pieces.js";
import { PictureZoom } from "/page/zoom.js";

const AHEAD = 4;

export class Single {
  constructor(session, { onSimilar }) {
    this.session = session;
    this.shown = null;
    this.zoom = new PictureZoom(session.run.run, { onTrouble: (words) => session.tell("told", words) });
    byId("find-similar").hidden = !session.run.has_features;
    byId("find-similar").addEventListener("click", () => onSimilar(this.shown));
    this.chart = new TrajectoryChart(byId("fact-chart"), session.run.chart);
    byId("previous").addEventListener("click", () => this.move(-1));
    byId("next").addEventListener("click", () => this.move(1));
    if (session.run.judged_by !== null) {
      byId("chart-title").textContent = "Temperature over the training of the classifiers";
      byId("chart-words").textContent = "a description: the verdict does not rest on it";
    }
    session.addEventListener("current", () => this.draw());
    session.addEventListener("opinions", () => this.drawOpinions());
    this.ahead = new Map();
  }

  get isShown() {
    return !byId("single-view").hidden;
  }

  move(step) {
    return this.session.moveTo(this.session.position + step);
  }

  show() {
    this.shown = null;
    this.draw();
    byId("single-view").scrollTop = 0;
  }

  async draw() {
    if (!this.isShown || !this.session.queue) {
      return;
    }
    const { current, position, queue, samples } = this.session;
    byId("single-view").classList.toggle("nothing", current === null);
    byId("previous").disabled = position === 0;
    byId("next").disabled = position >= queue.total - 1;
    byId("fact-place").textContent = current === null ? "" : `${count(position + 1)} of ${count(queue.total)}`;
    if (current === null || this.shown === current) {
      return;
    }
    this.shown = current;
    this.drawContent(current);
    // Nothing of the sample before may stand beside the new picture.
    byId("facts").classList.toggle("waiting", !samples.facts.has(current));
    byId("compare").classList.toggle("waiting", !samples.similar.has(current));
    this.chart.draw(samples.trajectories.get(current) ?? null);
    this.drawFacts();
    try {
      const trajectory = await samples.loadTrajectory(current);
      if (this.shown !== current) {
        return;
      }
      this.drawFacts();
      this.chart.draw(trajectory);
      if (this.session.run.kind === null) {
        return; // there is nothing to compare
      }
      const similar = await samples.loadSimilar(current);
      if (this.shown === current) {
        this.drawSimilar(similar);
        this.lookAhead();
      }
    } catch {
      this.drawWithout(current);
    }
  }

  /** The connection is cut: what is not known yet comes when it is back. */
  drawWithout(index) {
    if (this.shown === index) {
      this.shown = null;
      byId("compare").replaceChildren();
      if (!this.session.samples.trajectories.has(index)) {
        this.chart.draw(null);
      }
      if (!this.session.samples.facts.has(index)) {
        this.drawUnknown();
      }
    }
  }

  drawUnknown() {
    byId("facts").classList.remove("waiting");
    byId("fact-file").textContent = "This sample comes when the connection is back.";
    byId("fact-given").textContent = "";
    byId("fact-unjudged").hidden = true;
    byId("fact-suggested").querySelector(".note").textContent = "";
    byId("fact-suggested").querySelector(".name").textContent = "";
    byId("fact-suggested").querySelector(".confidence").textContent = "";
    byId("fact-subgroup-row").hidden = true;
    byId("fact-evidence-row").hidden = true;
    byId("fact-split-row").hidden = true;
    byId("fact-outlier").hidden = true;
    byId("fact-opinions").replaceChildren();
  }

  drawContent(index) {
    const { kind } = this.session.run;
    byId("single-view").classList.toggle("written", kind !== "image");
    byId("stage-picture").classList.toggle("written", kind !== "image");
    this.zoom.reset(kind === "image" ? index : null);
    if (kind === "image") {
      this.drawPicture(index);
    } else if (kind === null) {
      byId("stage-picture").replaceChildren(element("p", "no-picture", `No. ${index}`));
    } else {
      this.drawWords(index);
    }
  }

  /** A text or row: its beginning at once where it is known, and all of it. */
  async drawWords(index) {
    const { run, samples } = this.session;
    const place = byId("stage-picture");
    const { missing, one } = run.words;
    const { sought } = this.session;
    const fill = (shown) =>
      place.replaceChildren(wholeContent(shown, missing, `The ${one}`, run.legend, sought));
    place.replaceChildren();
    try {
      const excerpt = await samples.loadExcerpt(index);
      if (this.shown === index) {
        fill(excerpt && { ...excerpt, is_whole: true });
        this.speakAgain();
      }
      const whole = await samples.loadWhole(index);
      if (this.shown === index && whole !== excerpt) {
        fill(whole);
      }
    } catch {
      this.drawWithout(index);
    }
  }

  drawPicture(index) {
    const { run } = this.session;
    const facts = this.session.samples.facts.get(index);
    const place = byId("stage-picture");
    const large = picture(run.run, index, "large", facts?.id ?? "");
    // The small one is there at once in most cases.
    const small = picture(run.run, index, "small");
    small.className = "stand-in";
    large.addEventListener("load", () => small.remove());
    place.replaceChildren(small, large);
  }

  drawFacts() {
    const { samples, classNames } = this.session;
    const facts = samples.facts.get(this.shown);
    if (!facts) {
      return;
    }
    byId("facts").classList.remove("waiting");
    byId("single-view").dataset.category = facts.category;
    byId("stage-picture").classList.remove("easy", "hard", "review");
    byId("stage-picture").classList.add(facts.category);
    fillMark(byId("fact-mark"), facts.category);
    fillName(byId("fact-file"), facts.id);
    byId("fact-given").textContent = classNames[facts.label];
    const { unjudged } = this.session.run.classes[facts.label];
    byId("fact-unjudged").hidden = unjudged === null;
    byId("fact-unjudged").textContent = unjudged === null ? "" : `a class ${unjudged}`;
    fillSuggestion(byId("fact-suggested"), facts, suggestedName(facts, classNames));
    byId("fact-outlier").hidden = !facts.is_outlier;
    byId("fact-split-row").hidden = facts.split === null;
    byId("fact-split").textContent = facts.split ?? "";
    byId("fact-evidence-row").hidden = facts.evidence === null;
    byId("fact-evidence").textContent = facts.evidence ?? "";
    byId("fact-subgroup-row").hidden = facts.subgroup === null;
    byId("fact-subgroup").textContent = facts.subgroup ?? "";
    this.drawOpinions();
    this.speak(facts);
  }

  /** A screen reader reads the sample that came by itself. */
  speak(facts) {
    const { samples, annotator, classNames } = this.session;
    const opinions = samples.opinionsOf(facts.index);
    const excerpt = samples.excerpts.get(facts.index);
    const about = described(facts, opinions, annotator, classNames, excerpt);
    const { isTarget, members } = this.session.group;
    const words = isTarget && members.length ? `${about}. A decision applies to all ${members.length}` : about;
    byId("spoken").textContent = `${byId("fact-place").textContent}: ${words}`;
  }

  speakAgain() {
    const facts = this.session.samples.facts.get(this.shown);
    if (facts) {
      this.speak(facts);
    }
  }

  drawOpinions() {
    if (!this.isShown || this.shown === null) {
      return;
    }
    const { samples, annotator, classNames } = this.session;
    const opinions = samples.opinionsOf(this.shown);
    const lines = opinions.map((one) => {
      const line = element("li", "opinion");
      const sign = element("b", "", `${opinionSign(one)} `);
      sign.setAttribute("aria-hidden", "true");
      const who = one.annotator === annotator ? "You" : one.annotator;
      const words = opinionWords(one, classNames);
      line.append(sign, element("span", "name", who), ": ", element("span", "name", words));
      return line;
    });
    if (samples.isDisputed(this.shown)) {
      lines.unshift(element("li", "opinion disputed", "Disputed"));
    }
    byId("fact-opinions").replaceChildren(...lines);
  }

  drawSimilar(groups) {
    const { samples, run, classNames } = this.session;
    const isPicture = run.kind === "image";
    const given = samples.facts.get(this.shown)?.label;
    byId("compare").classList.remove("waiting");
    byId("compare").replaceChildren(
      ...groups.map(({ label, samples: several }) => {
        const group = element("section", "compare-group");
        const title = element("h3", "", label === given ? "Given: " : "Suggested: ");
        title.append(element("span", "name", classNames[label]));
        const strip = element("ul", isPicture ? "compare-strip plain" : "compare-strip written plain");
        strip.append(
          ...several.map(({ index, id }) => {
            const item = element("li", "picture");
            item.title = id;
            fillFrame(item, this.session, index, `${classNames[label]}: ${id}`);
            return item;
          }),
        );
        group.append(title, several.length ? strip : element("p", "muted", "No other samples."));
        return group;
      }),
    );
  }

  /** Have the next ones ready, so that they appear at once, also while the network is cut. */
  async lookAhead() {
    const { position, queue, samples, run } = this.session;
    try {
      await queue.reach(position + AHEAD);
      for (let next = position + 1; next <= position + AHEAD; next += 1) {
        const index = queue.at(next);
        if (index === undefined || this.session.position !== position) {
          return;
        }
        await Promise.all([samples.loadTrajectory(index), samples.loadSimilar(index)]);
        const group = this.session.group.numberAt(next);
        await (group === null || samples.loadGroup(group));
        if (run.kind !== "image") {
          await (run.kind && samples.loadWhole(index));
        } else if (!this.ahead.has(index)) {
          const large = new Image();
          large.src = pictureAddress(run.run, index, "large");
          this.ahead.set(index, large);
        }
      }
      for (const index of [...this.ahead.keys()].slice(0, -3 * AHEAD)) {
        this.ahead.delete(index);
      }
    } catch {
      // They are loaded when they are wanted.
    }
  }
}
