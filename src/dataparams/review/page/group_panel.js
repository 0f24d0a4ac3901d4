/* Samples that are one thing under different labels, side by side: what a decision is about. */

import { byId, count, element } from "/page/elements.js";
import { counted, fillFrame, opinionSign, opinionWords } from "/page/pieces.js";

const MOST = 24;

export class GroupPanel {
  constructor(session) {
    this.session = session;
    this.panel = byId("group");
    this.strip = byId("group-strip");
    this.shown = null;
    byId("group-apart").addEventListener("click", () => session.group.toggleApart());
    this.strip.addEventListener("click", ({ target }) => this.goTo(target.closest(".group-card")));
    for (const what of ["queue", "current", "opinions", "group"]) {
      session.addEventListener(what, () => this.draw());
    }
    session.samples.addEventListener("facts", () => this.draw());
  }

  draw() {
    const { session } = this;
    const group = session.group.known;
    const isShown = group !== null && !byId("single-view").hidden;
    this.panel.hidden = !isShown;
    session.group.know().catch(() => {}); // it is asked for again when it is decided about
    if (!isShown) {
      return;
    }
    const first = group.samples.slice(0, MOST);
    session.samples.want(first);
    byId("group-words").textContent = `${group.sentence} ${this.effect}`;
    byId("group-apart").setAttribute("aria-pressed", session.group.isApart);
    if (this.shown !== group) {
      this.shown = group;
      this.strip.replaceChildren(...first.map((index) => this.card(index)));
      if (group.samples.length > MOST) {
        this.strip.append(element("p", "muted", `and ${count(group.samples.length - MOST)} more`));
      }
    }
    this.strip.querySelectorAll(".group-card").forEach((card) => this.update(card, group));
  }

  /** What a decision does. */
  get effect() {
    const { isTarget, known, members } = this.session.group;
    if (!isTarget) {
      return "Each is decided about alone.";
    }
    const own = members.length;
    const left = known.samples.length - own;
    const others = left ? `; ${counted(left, "other")} not assigned to you` : "";
    return `One decision applies to ${counted(own, "sample")}${others}.`;
  }

  card(index) {
    const made = element("button", "group-card");
    made.type = "button";
    made.dataset.index = index;
    const frame = element("span", "picture");
    fillFrame(frame, this.session, index);
    made.append(frame, element("b", "name"), element("span", "own name"));
    return made;
  }

  update(card, group) {
    const { samples, classNames, current, queue } = this.session;
    const index = Number(card.dataset.index);
    const facts = samples.facts.get(index);
    if (!facts) {
      return;
    }
    const own = samples.ownOpinion(index);
    const given = classNames[facts.label];
    const decided = own ? opinionWords(own, classNames) : "";
    card.querySelector("b").textContent = given;
    card.querySelector(".own").textContent = own ? `${opinionSign(own)} ${decided}` : "";
    card.title = facts.id;
    card.disabled = queue.positionOf(index) < 0;
    const place = `Sample ${count(group.samples.indexOf(index) + 1)} of ${count(group.samples.length)}`;
    card.setAttribute("aria-label", [place, facts.id, `given ${given}`, decided].filter(Boolean).join(", "));
    if (index === current) {
      card.setAttribute("aria-current", "true");
    } else {
      card.removeAttribute("aria-current");
    }
  }

  goTo(card) {
    if (card) {
      this.session.moveToIndex(Number(card.dataset.index));
    }
  }
}
