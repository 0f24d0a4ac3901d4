/* The contents of what is selected on the map: what is decided about should be seen. */

import { byId, count, element, fillSuggestion } from "/page/elements.js";
import { counted, fillFrame, suggestedName, suggestionWords } from "/page/pieces.js";

const MOST = 120;
const ORDER = ["hard", "review", "easy"];

export class Picked {
  constructor(session) {
    this.session = session;
    this.strip = byId("picked-strip");
    this.cards = new Map();
    session.samples.addEventListener("facts", () => this.fill());
    this.strip.addEventListener("click", ({ target }) => this.takeOut(target.closest(".picked-card")));
    this.strip.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Show those of a map's points that are selected, the suspicious ones first. */
  show(points) {
    const { selection, samples } = this.session;
    const selected = points
      .filter((point) => selection.has(point.index))
      .sort((a, b) => ORDER.indexOf(a.category) - ORDER.indexOf(b.category));
    byId("picked").classList.toggle("nothing", !selected.length);
    const shown = selected.slice(0, MOST).map((point) => point.index);
    const more = selected.length - shown.length;
    byId("picked-words").textContent = selected.length
      ? `${counted(selected.length, "sample")} selected. Press one to take it out.` +
        (more ? ` The first ${count(shown.length)} are shown.` : "")
      : "What you select appears here.";
    const kept = new Map(shown.map((index) => [index, this.cards.get(index) ?? this.card(index)]));
    const isSame = kept.size === this.cards.size && shown.every((index) => this.cards.has(index));
    this.cards = kept;
    if (!isSame) {
      this.strip.replaceChildren(...kept.values());
    }
    samples.want(shown);
    this.fill();
    this.putTabStop(this.strip.querySelector("[tabindex='0']") ?? this.strip.firstElementChild);
  }

  card(index) {
    const made = element("button", "picked-card");
    made.type = "button";
    made.dataset.index = index;
    made.tabIndex = -1;
    made.setAttribute("aria-label", `Take out sample ${index}`); // until its name is known
    const suggested = element("span", "suggested");
    suggested.append(
      element("span", "note"),
      " ",
      element("span", "name"),
      " ",
      element("span", "confidence"),
    );
    const frame = element("span", "picture");
    fillFrame(frame, this.session, index);
    made.append(frame, suggested);
    return made;
  }

  /** What is known by now is written under the pictures. */
  fill() {
    const { samples, classNames } = this.session;
    for (const [index, card] of this.cards) {
      const facts = samples.facts.get(index);
      if (facts && !card.title) {
        fillSuggestion(card.querySelector(".suggested"), facts, suggestedName(facts, classNames));
        card.classList.add(facts.category);
        card.title = facts.id;
        const maybe = suggestionWords(facts, classNames);
        card.setAttribute("aria-label", `Take out ${facts.id}, ${maybe}`);
      }
    }
  }

  takeOut(card) {
    if (!card) {
      return;
    }
    const next = card.nextElementSibling ?? card.previousElementSibling;
    this.putTabStop(next);
    const hadFocus = card === document.activeElement;
    this.session.toggle(Number(card.dataset.index), null);
    if (hadFocus) {
      (next ?? byId("map")).focus();
    }
  }

  putTabStop(card) {
    this.strip.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    card?.setAttribute("tabindex", "0");
  }

  onKey(event) {
    const card = event.target.closest(".picked-card");
    const to = {
      ArrowLeft: card?.previousElementSibling,
      ArrowRight: card?.nextElementSibling,
      Home: this.strip.firstElementChild,
      End: this.strip.lastElementChild,
    }[event.key];
    if (to && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      this.putTabStop(to);
      to.focus();
    }
  }
}
