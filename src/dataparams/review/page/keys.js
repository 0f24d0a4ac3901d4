/* What keys do. */

import { byId } from "/page/elements.js";
import { keep, recall } from "/page/kept.js";
import { DIRECTIONS } from "/page/points.js";

const KEYS_ON = "dataparams-review/keys";

export class Keys {
  constructor(page) {
    this.page = page;
    this.keysOn = recall(KEYS_ON) !== "off";
    byId("keys-on").checked = this.keysOn;
    byId("keys-on").addEventListener("change", ({ target }) => {
      this.keysOn = target.checked;
      keep(KEYS_ON, target.checked ? "on" : "off");
    });
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const { target } = event;
    const isTyping = target.matches("input:not([type=checkbox]), textarea, select");
    if (document.querySelector("dialog[open]") || event.altKey) {
      return;
    }
    if (event.key === "Escape") {
      this.onEscape(target, isTyping);
      return;
    }
    if (isTyping) {
      return;
    }
    const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (isUndo && !event.shiftKey) {
      event.preventDefault();
      this.page.deciding.undo();
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      return;
    }
    const action = this.actionOf(event);
    if (action) {
      event.preventDefault();
      action();
    }
  }

  actionOf(event) {
    const { deciding, filters, session, single: one, view } = this.page;
    const isOnButton = event.target.matches("button, a, input, summary");
    if (event.key.startsWith("Arrow")) {
      return this.arrowOf(event);
    }
    const always = {
      Enter: view === "grid" && !isOnButton && (() => this.page.setView("single")),
      " ": view === "grid" && !isOnButton && (() => session.toggle(session.current, session.position)),
    };
    if (Object.hasOwn(always, event.key)) {
      return always[event.key] || null;
    }
    const single = {
      k: () => deciding.act("keep"),
      s: () => deciding.act("suggest"),
      c: () => deciding.act("choose"),
      r: () => deciding.act("again"),
      d: () => deciding.act("discard"),
      x: () => deciding.act("alone"),
      e: view === "single" && (() => session.group.toggleApart()),
      u: () => deciding.act("skip"),
      z: () => deciding.undo(),
      g: () => this.page.setView("grid"),
      o: () => this.page.setView("single"),
      m: () => this.page.setView("map"),
      a: view === "grid" && (() => this.page.selectAll()),
      f: view !== "map" && (() => this.page.lists.openSimilar(session.current)),
      n: () => this.page.lists.next(),
      "+": view === "single" && (() => one.zoom.by(1.5)),
      "=": view === "single" && (() => one.zoom.by(1.5)),
      "-": view === "single" && (() => one.zoom.by(1 / 1.5)),
      0: view === "single" && (() => one.zoom.whole()),
      t: view === "single" && (() => this.page.notes.focus()),
      "/": () => filters.goToSearch(),
      "?": () => byId("help-dialog").showModal(),
    };
    const key = event.key.toLowerCase();
    return (this.keysOn && !event.repeat && Object.hasOwn(single, key) && single[key]) || null;
  }

  /** Arrows go to other samples wherever the focus is, such as on a button that was clicked. */
  arrowOf(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const { single, view } = this.page;
    if (view === "single" && event.shiftKey && single.zoom.isOn) {
      return () => single.zoom.moveByKey(DIRECTIONS[event.key]);
    }
    if (event.target.matches("input") || (view === "single" && !step)) {
      return null;
    }
    const isFirst = document.activeElement === document.body; // it only brings the focus
    return {
      grid: () => (isFirst ? this.page.grid.focus() : this.page.grid.onKey(event)),
      single: () => single.move(step),
      map: () => this.page.map.pointing.onKey(event),
    }[view];
  }

  onEscape(target, isTyping) {
    if (this.page.filters.isOpen) {
      this.page.filters.open(false);
    } else if (isTyping) {
      target.blur();
      this.page.refocus();
    } else if (this.page.session.selection.size) {
      this.page.session.clearSelection();
    } else if (this.page.view === "single") {
      this.page.setView("grid");
    }
  }
}
