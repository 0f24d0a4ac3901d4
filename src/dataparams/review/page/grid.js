/* Many samples at once. Only the cards in view exist, however many samples there are. */

import { OUTLIER, byId, element, fillSuggestion, mark } from "/page/elements.js";
import {
  described,
  fillFrame,
  opinionSign,
  opinionWords,
  suggestedName,
  suggestionWords,
} from "/page/pieces.js";
import { TouchSelection } from "/page/touch_selection.js";

const CARD = 10.5; // rem, at least
const NARROW_CARD = 8; // rem, where two columns would not fit otherwise
const WRITTEN_CARD = 17; // rem, of texts and rows
const GAP = 0.75; // rem
const TEXT = 3.2; // rem below the picture
const FRAMES = { text: 10.6, row: 10.6, null: 5 }; // rem, where it is no square picture
const OVERSCAN = 2; // rows
const ONE_DECISION = "the same under another label: one decision is for all";
const TALLEST = 12_000_000; // pixels: browsers lay out no taller boxes

export class Grid {
  constructor(session, { onOpen }) {
    this.session = session;
    this.onOpen = onOpen;
    this.scroller = byId("grid");
    this.space = byId("grid-space");
    this.cards = new Map(); // by position
    this.columns = 1;
    this.frame = null;
    this.scroller.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    new ResizeObserver(() => this.layOut()).observe(this.scroller);
    this.space.addEventListener("click", (event) => this.onClick(event));
    this.touch = new TouchSelection(this);
    this.space.addEventListener("dblclick", (event) => event.preventDefault());
    this.space.addEventListener("keydown", (event) => this.onKey(event));
    this.space.addEventListener("focusin", (event) => {
      const position = this.positionOf(event.target);
      if (position !== null && position !== this.session.position) {
        this.session.moveTo(position);
      }
    });
    session.addEventListener("queue", () => this.onQueue());
    session.addEventListener("current", () => this.onCurrent());
    session.addEventListener("selection", () => this.refresh());
    session.addEventListener("opinions", () => this.refresh());
    session.addEventListener("group", () => this.refresh());
    session.samples.addEventListener("facts", () => {
      this.draw();
      this.refresh();
    });
  }

  get isShown() {
    return !byId("grid-view").hidden;
  }

  /* Where things are --------------------------------------------------------------------------- */

  layOut() {
    if (!this.isShown || !this.session.queue) {
      return;
    }
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const width = this.space.clientWidth;
    const { queue } = this.session;
    if (this.laidOut?.queue === queue && this.laidOut.width === width && this.laidOut.rem === rem) {
      this.draw(); // only the height is another one
      return;
    }
    const hadFocus = this.space.contains(document.activeElement);
    this.laidOut = { queue, width, rem };
    const gap = GAP * rem;
    const frame = FRAMES[this.session.run.kind];
    const narrowest = frame
      ? Math.min(WRITTEN_CARD * rem, width)
      : Math.max(Math.min(CARD * rem, (width - gap) / 2), NARROW_CARD * rem);
    this.columns = Math.max(Math.floor((width + gap) / (narrowest + gap)), 1);
    this.side = (width - gap * (this.columns - 1)) / this.columns;
    this.cardHeight = (frame ? frame * rem : this.side) + TEXT * rem;
    this.rowHeight = this.cardHeight + gap;
    this.gap = gap;
    this.rows = Math.ceil(queue.total / this.columns);
    this.whole = Math.max(this.rows * this.rowHeight - gap, 0);
    this.height = Math.min(this.whole, TALLEST);
    this.space.style.height = `${this.height}px`;
    this.cards.forEach((card) => card.remove());
    this.cards.clear();
    this.draw();
    if (hadFocus) {
      this.focus();
    }
  }

  /** Fill all cards anew: their contents may be had now. */
  fillAgain() {
    this.laidOut = null;
    this.layOut();
  }

  /** How far the list is scrolled, in pixels of the whole list. */
  get offset() {
    const visible = this.scroller.clientHeight;
    const room = this.height - visible;
    const most = this.whole - visible;
    return room <= 0 || this.whole === this.height
      ? this.scroller.scrollTop
      : (this.scroller.scrollTop / room) * most;
  }

  set offset(value) {
    const visible = this.scroller.clientHeight;
    const most = Math.max(this.whole - visible, 1);
    this.scroller.scrollTop =
      this.whole === this.height ? value : (value / most) * (this.height - visible);
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  async draw() {
    const { queue } = this.session;
    if (!this.isShown || !queue || !this.rowHeight) {
      return;
    }
    const offset = this.offset;
    const first = Math.max(Math.floor(offset / this.rowHeight) - OVERSCAN, 0);
    const last = Math.ceil((offset + this.scroller.clientHeight) / this.rowHeight) + OVERSCAN;
    const from = first * this.columns;
    const to = Math.min(last * this.columns, queue.total);
    this.shift = offset - this.scroller.scrollTop;
    if (queue.indices.length < to && !queue.isComplete) {
      const length = queue.indices.length;
      queue.reach(to - 1).then(() => queue.indices.length > length && this.draw(), () => {});
    }
    for (const [position, card] of this.cards) {
      const isCurrent = position === this.session.position;
      if ((position < from || position >= to) && !isCurrent) {
        card.remove();
        this.cards.delete(position);
      }
    }
    const wanted = [];
    for (let position = from; position < to; position += 1) {
      this.place(position);
      const index = queue.at(position);
      if (index !== undefined) {
        wanted.push(index);
      }
    }
    this.place(this.session.position);
    this.session.samples.want(wanted);
  }

  place(position) {
    const { queue } = this.session;
    const index = queue.at(position);
    if (position >= queue.total) {
      return;
    }
    let card = this.cards.get(position);
    const isNew = !card;
    if (!card) {
      card = this.emptyCard(position);
      this.cards.set(position, card);
    }
    if (index !== undefined && !card.dataset.filled && this.session.samples.facts.has(index)) {
      this.fill(card, index);
    }
    const row = Math.floor(position / this.columns);
    const left = (position % this.columns) * (this.side + this.gap);
    card.style.transform = `translate(${left}px, ${row * this.rowHeight - this.shift}px)`;
    if (isNew) {
      card.style.width = `${this.side}px`;
      card.style.height = `${this.cardHeight}px`;
      this.space.append(card);
    }
  }

  /* Cards -------------------------------------------------------------------------------------- */

  emptyCard(position) {
    const card = element("div", "tile");
    card.setAttribute("role", "option");
    card.setAttribute("aria-selected", "false");
    card.setAttribute("aria-posinset", position + 1);
    card.setAttribute("aria-setsize", this.session.queue.total);
    card.setAttribute("aria-label", "Loading");
    card.tabIndex = position === this.session.position ? 0 : -1;
    card.dataset.position = position;
    card.append(element("span", "picture"));
    return card;
  }

  fill(card, index) {
    const { samples, classNames } = this.session;
    const facts = samples.facts.get(index);
    card.dataset.filled = "yes";
    card.dataset.index = index;
    card.classList.add(facts.category);
    card.title = `${facts.id}\n${classNames[facts.label]}: ${suggestionWords(facts, classNames)}`;
    const frame = element("span", "picture");
    fillFrame(frame, this.session, index).then(() => this.update(card));
    const sign = element("span", "tile-mark");
    sign.append(mark(facts.category));
    if (facts.is_outlier) {
      sign.append(" ", element("span", "flag", OUTLIER));
    }
    if (this.session.group.numberAt(Number(card.dataset.position)) !== null) {
      sign.append(" ", element("span", "flag", "copy")); // the same is there under another label
    }
    const box = element("span", "tile-box");
    box.setAttribute("aria-hidden", "true");
    const text = element("span", "tile-text");
    const given = element("span", "tile-line");
    given.append(element("span", "tile-key", "given"), " ", element("b", "name", classNames[facts.label]));
    const suggested = element("span", "tile-line suggested");
    suggested.append(
      element("span", "tile-key note"),
      " ",
      element("span", "name"),
      " ",
      element("span", "confidence"),
    );
    fillSuggestion(suggested, facts, suggestedName(facts, classNames));
    if (facts.suggested !== null) {
      // There is little room: one word before the class.
      const [first] = facts.note.split(" ");
      suggested.querySelector(".note").textContent = first || "likely";
    }
    text.append(given, suggested);
    frame.append(element("span", "tile-opinion"));
    card.replaceChildren(frame, sign, box, text);
    this.update(card);
  }

  update(card) {
    const index = Number(card.dataset.index);
    const position = Number(card.dataset.position);
    const isCurrent = position === this.session.position;
    card.tabIndex = isCurrent ? 0 : -1;
    card.classList.toggle("current", isCurrent);
    if (!card.dataset.filled || !this.session.samples.facts.has(index)) {
      return;
    }
    const { samples, selection, annotator, classNames } = this.session;
    const isSelected = selection.has(index);
    const isMember = this.session.group.isTarget && this.session.group.members.includes(index);
    card.classList.toggle("member", isMember);
    const own = samples.ownOpinion(index);
    const opinions = samples.opinionsOf(index);
    const others = opinions.filter((one) => one.annotator !== annotator);
    card.setAttribute("aria-selected", isSelected);
    card.classList.toggle("selected", isSelected);
    card.classList.toggle("decided", own !== null);
    card.classList.toggle("disputed", samples.isDisputed(index));
    const line = card.querySelector(".tile-opinion");
    line.replaceChildren();
    if (own) {
      const words = element("span", "name", opinionWords(own, classNames));
      const mine = element("span", "mine");
      mine.append(element("b", `own is-${own.action}`, `${opinionSign(own)} `), words);
      line.append(mine);
    }
    if (others.length) {
      const words = samples.isDisputed(index) ? "disputed" : othersWords(others);
      line.append(element("span", "others name", words));
    }
    card.setAttribute(
      "aria-label",
      described(
        samples.facts.get(index),
        opinions,
        annotator,
        classNames,
        samples.excerpts.get(index),
      ) + (isMember ? `, ${ONE_DECISION}` : ""),
    );
  }

  refresh() {
    this.cards.forEach((card) => this.update(card));
  }

  /* Moving ------------------------------------------------------------------------------------- */

  onQueue() {
    const { queue } = this.session;
    this.cards.forEach((card) => card.remove());
    this.cards.clear();
    this.scroller.hidden = queue.total === 0;
    this.scroller.scrollTop = 0;
    this.laidOut = null;
    this.layOut();
  }

  onCurrent() {
    if (!this.isShown || !this.rowHeight) {
      return;
    }
    const hadFocus = this.space.contains(document.activeElement);
    this.reveal(this.session.position);
    this.draw();
    this.refresh();
    if (hadFocus) {
      this.focus();
    }
  }

  reveal(position) {
    this.scroller.scrollIntoView({ block: "nearest" }); // on very low screens the page scrolls
    const top = Math.floor(position / this.columns) * this.rowHeight;
    const offset = this.offset;
    if (top < offset || this.cardHeight > this.scroller.clientHeight) {
      this.offset = top;
    } else if (top + this.cardHeight > offset + this.scroller.clientHeight) {
      this.offset = top + this.cardHeight - this.scroller.clientHeight;
    }
  }

  focus() {
    this.cards.get(this.session.position)?.focus({ preventScroll: true });
  }

  show() {
    this.layOut();
    if (this.rowHeight) {
      this.reveal(this.session.position);
      this.draw();
      this.focus();
    }
  }

  positionOf(target) {
    const card = target.closest?.(".tile");
    return card ? Number(card.dataset.position) : null;
  }

  async onClick(event) {
    const position = this.positionOf(event.target);
    if (position === null || this.touch.hasActed()) {
      return;
    }
    const isBox = event.target.closest(".tile-box") !== null;
    if (event.shiftKey || this.touch.isRange) {
      this.touch.setRange(false);
      await this.session.selectTo(position);
      this.focus();
      return;
    }
    const hasSelection = this.session.selection.size > 0;
    await this.session.moveTo(position);
    this.focus();
    if (isBox || hasSelection || event.ctrlKey || event.metaKey) {
      this.session.toggle(this.session.queue.at(position), position);
    } else {
      this.onOpen();
    }
  }

  async onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const { position } = this.session;
    const page = Math.max(Math.floor(this.scroller.clientHeight / this.rowHeight), 1) * this.columns;
    const target = {
      ArrowLeft: position - 1,
      ArrowRight: position + 1,
      ArrowUp: position - this.columns,
      ArrowDown: position + this.columns,
      PageUp: position - page,
      PageDown: position + page,
      Home: 0,
      End: this.session.queue.total - 1,
    }[event.key];
    if (target !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      const last = this.session.queue.total - 1;
      const wanted = Math.max(0, Math.min(target, last));
      await (event.shiftKey ? this.session.selectTo(wanted) : this.session.moveTo(wanted));
      this.focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      this.onOpen();
    }
  }
}

function othersWords(others) {
  return others.length === 1 ? `${opinionSign(others[0])} ${others[0].annotator}` : `${others.length} others`;
}
