/* Choosing a class by typing a few letters of it. */

import { byId, element } from "/page/elements.js";
import { counted } from "/page/pieces.js";

const MOST_SHOWN = 60;
const MOST_RECENT = 5;

export class ClassPicker {
  constructor(classNames) {
    this.names = classNames.map((name, label) => ({ label, name, plain: plain(name) }));
    this.names.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    this.recent = [];
    this.dialog = byId("picker");
    this.input = byId("picker-input");
    this.list = byId("picker-list");
    this.input.addEventListener("input", () => this.draw());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) {
        this.choose(Number(option.dataset.label));
      }
    });
    this.dialog.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    this.dialog.addEventListener("close", () => {
      this.resolve?.(null);
      this.resolve = null;
    });
  }

  /** Let somebody choose; null where they do not. */
  ask(targets, suggested = null) {
    byId("picker-target").textContent =
      targets === 1 ? "It is saved as the label of this sample." : `For ${counted(targets, "sample")}.`;
    this.suggested = suggested;
    this.input.value = "";
    this.draw();
    this.dialog.showModal();
    this.input.focus();
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  draw() {
    this.found = this.matching(plain(this.input.value)).slice(0, MOST_SHOWN);
    this.list.replaceChildren(
      ...this.found.map(({ label, name, note }, place) => {
        const option = element("li", "picker-option");
        option.id = `picker-${place}`;
        option.setAttribute("role", "option");
        option.dataset.label = label;
        option.append(element("span", "name", name), element("span", "muted", note ?? ""));
        return option;
      }),
    );
    byId("picker-none").hidden = this.found.length > 0;
    this.activate(0);
  }

  /** Names that begin with the letters, then names with a word that does, then all that have them. */
  matching(typed) {
    if (!typed) {
      const first = [
        ...(this.suggested === null ? [] : [{ label: this.suggested, note: "suggested" }]),
        ...this.recent.map((label) => ({ label, note: "chosen before" })),
      ];
      const labels = new Set();
      const front = first.filter(({ label }) => !labels.has(label) && labels.add(label));
      const byLabel = new Map(this.names.map((one) => [one.label, one]));
      return [
        ...front.map(({ label, note }) => ({ ...byLabel.get(label), note })),
        ...this.names.filter((one) => !labels.has(one.label)),
      ];
    }
    const rank = ({ plain: name }) => {
      if (name === typed) {
        return 0;
      }
      if (name.startsWith(typed)) {
        return 1;
      }
      if (name.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(typed))) {
        return 2;
      }
      return name.includes(typed) ? 3 : 4;
    };
    return this.names
      .map((one) => ({ one, place: rank(one) }))
      .filter(({ place }) => place < 4)
      .sort((a, b) => a.place - b.place)
      .map(({ one }) => one);
  }

  activate(place) {
    this.place = Math.max(0, Math.min(place, this.found.length - 1));
    [...this.list.children].forEach((option, i) => {
      option.setAttribute("aria-selected", i === this.place);
    });
    const active = this.list.children[this.place];
    active?.scrollIntoView({ block: "nearest" });
    if (active) {
      this.input.setAttribute("aria-activedescendant", active.id);
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) {
      event.preventDefault();
      this.activate(this.place + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.found.length) {
        this.choose(this.found[this.place].label);
      }
    }
  }

  choose(label) {
    this.recent = [label, ...this.recent.filter((one) => one !== label)].slice(0, MOST_RECENT);
    const { resolve } = this;
    this.resolve = null;
    this.dialog.close();
    resolve?.(label);
  }
}

/** Small letters without accents. */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
