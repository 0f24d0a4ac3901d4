/* Choosing a class by typing a few letters of it; adding one, or renaming one for all. */

import { byId, element } from "/page/elements.js";
import { counted } from "/page/pieces.js";
import { newRequest, post } from "/page/server.js";

const MOST_SHOWN = 60;
const MOST_RECENT = 5;

export class ClassPicker {
  constructor(session) {
    this.session = session;
    this.recent = [];
    this.renamed = null; // the class that gets another name
    this.readNames();
    session.addEventListener("classes", () => this.onClasses());
    this.dialog = byId("picker");
    this.input = byId("picker-input");
    this.list = byId("picker-list");
    this.input.addEventListener("input", () => this.draw());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) {
        this.take(this.found[[...this.list.children].indexOf(option)]);
      }
    });
    byId("picker-rename").addEventListener("click", () => this.askNewName());
    byId("picker-save").addEventListener("click", () => this.rename());
    this.dialog.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    this.dialog.addEventListener("close", () => {
      this.resolve?.(null);
      this.resolve = null;
    });
  }

  readNames() {
    this.names = this.session.classNames.map((name, label) => ({ label, name, plain: plain(name) }));
    this.names.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  }

  onClasses() {
    this.readNames();
    if (this.dialog.open && this.renamed === null) {
      this.draw();
    }
  }

  /** Let somebody choose; null where they do not. */
  ask(targets, suggested = null) {
    this.effect =
      targets === 1 ? "It is saved as the label of this sample." : `For ${counted(targets, "sample")}.`;
    this.suggested = suggested;
    this.setMode(null);
    this.dialog.showModal();
    this.input.focus();
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Choose (null), or give a class another name. */
  setMode(renamed) {
    this.renamed = renamed;
    byId("picker-title").textContent =
      renamed === null ? "Which class is it?" : `What should “${renamed.name}” be called?`;
    byId("picker-target").textContent =
      renamed === null ? this.effect : "Everybody sees the new name. What was decided stays.";
    byId("picker-trouble").textContent = "";
    byId("picker-rename").hidden = renamed !== null;
    byId("picker-save").hidden = renamed === null;
    this.list.hidden = renamed !== null;
    this.input.value = renamed?.name ?? "";
    this.input.setAttribute("aria-label", renamed === null ? "Class name" : "New name, for everybody");
    this.input.setAttribute("aria-expanded", renamed === null);
    this.draw();
    this.input.focus();
    this.input.select();
  }

  askNewName() {
    const chosen = this.found[this.place];
    if (chosen && chosen.label !== null) {
      this.setMode(chosen);
    }
  }

  /** Add a class, or rename one; what the server says against it is shown. */
  async save(name, label) {
    const { run, annotator } = this.session;
    try {
      const body = { run: run.run, request: newRequest(), annotator, name, label };
      const answer = await post("/api/classes", body);
      this.session.setClassNames(answer.class_names);
      return answer.label;
    } catch (error) {
      byId("picker-trouble").textContent =
        error.status === undefined ? "The server does not answer: try again." : error.message;
      return null;
    }
  }

  draw() {
    this.found = this.matching(plain(this.input.value)).slice(0, MOST_SHOWN);
    const typed = this.input.value.trim();
    if (typed && this.names.every(({ name }) => name !== typed)) {
      this.found.push({ label: null, name: typed, note: "add this class" });
    }
    this.list.replaceChildren(
      ...this.found.map(({ label, name, note }, place) => {
        const option = element("li", "picker-option");
        option.id = `picker-${place}`;
        option.setAttribute("role", "option");
        option.dataset.label = label ?? "new";
        option.append(element("span", "name", name), element("span", "muted", note ?? ""));
        return option;
      }),
    );
    byId("picker-none").hidden = this.found.length > 0 || this.renamed !== null;
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
      if (this.renamed !== null) {
        this.rename();
      } else if (this.found.length) {
        this.take(this.found[this.place]);
      }
    }
  }

  async rename() {
    if ((await this.save(this.input.value, this.renamed.label)) !== null) {
      this.setMode(null);
    }
  }

  /** Choose what is listed; a class that is not there yet is added first. */
  async take({ label, name }) {
    const chosen = label ?? (await this.save(name, null));
    if (chosen !== null) {
      this.choose(chosen);
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
