/* The box beside the point that is pointed at: what sample it is. */

import { OUTLIER, WORDS, byId, element, fillName, mark } from "/page/elements.js";
import { fillFrame, suggestionWords } from "/page/pieces.js";
import { placeTip } from "/page/points.js";

const BUTTONS = 56; // pixels at the right of the map, which the box leaves free

export class MapTip {
  constructor(session, canvas) {
    this.session = session;
    this.canvas = canvas;
    this.box = byId("map-tip");
  }

  hide() {
    this.box.hidden = true;
    this.shown = null;
  }

  /** Tell of a sample, by its number, beside a place in pixels. */
  show(index, [x, y]) {
    const { samples, selection } = this.session;
    const facts = samples.facts.get(index);
    if (!facts) {
      samples.want([index]);
      return;
    }
    const isSelected = selection.has(index);
    if (this.shown !== index) {
      this.shown = index;
      this.fill(facts);
    }
    this.box.hidden = false;
    const { clientWidth, clientHeight } = byId("map-frame");
    placeTip(this.box, { clientWidth: clientWidth - BUTTONS, clientHeight }, x, y);
    this.canvas.setAttribute("aria-label", `Map. ${this.words(facts, isSelected)}`);
  }

  fill(facts) {
    const { classNames } = this.session;
    const frame = element("span", "picture");
    fillFrame(frame, this.session, facts.index);
    const file = element("span", "file name");
    fillName(file, facts.id);
    const given = element("span", "name", `given ${classNames[facts.label]}`);
    const words = element("span", "name", suggestionWords(facts, classNames));
    const flag = facts.is_outlier ? [element("span", "flag", OUTLIER)] : [];
    this.box.replaceChildren(frame, mark(facts.category), ...flag, file, given, words);
  }

  words(facts, isSelected) {
    return [
      facts.id,
      WORDS[facts.category].toLowerCase(),
      ...(facts.is_outlier ? [OUTLIER] : []),
      `given ${this.session.classNames[facts.label]}`,
      ...(isSelected ? ["selected"] : []),
    ].join(", ");
  }
}
