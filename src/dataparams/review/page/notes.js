/* Notes and tags on the sample that is shown large: one's own to write, others' to read. */

import { byId, element } from "/page/elements.js";
import { get } from "/page/server.js";

export class Notes {
  constructor(session) {
    this.session = session;
    this.shown = null;
    this.own = { text: "", tags: [] };
    this.written = new Map(); // by this page: the server may not have them yet
    this.known = "";
    this.text = byId("note-text");
    this.tags = byId("note-tags");
    this.text.maxLength = session.run.longest_note;
    this.tags.maxLength = session.run.most_tags * (session.run.longest_tag + 2);
    for (const field of [this.text, this.tags]) {
      field.addEventListener("change", () => this.save());
    }
    session.addEventListener("current", () => this.draw());
    session.addEventListener("annotator", () => {
      this.shown = null;
      this.written.clear();
      this.draw();
    });
    // Who has decided may read what others noted.
    session.addEventListener("opinions", () => this.drawOthers());
    session.addEventListener("noted-elsewhere", ({ detail }) => this.drawOthersOf(detail));
    session.addEventListener("noted", ({ detail }) => detail === this.shown && this.tell("Note saved."));
  }

  get isShown() {
    return !byId("single-view").hidden;
  }

  focus() {
    if (this.isShown) {
      this.text.focus();
    }
  }

  async draw() {
    const { current } = this.session;
    if (current === this.shown) {
      return;
    }
    this.save();
    this.shown = this.isShown ? current : null;
    this.fill({ text: "", tags: [] });
    this.tell("");
    byId("others-notes").replaceChildren();
    if (this.shown === null) {
      return;
    }
    this.known = this.opinionsKnown();
    this.fill(this.written.get(current) ?? this.own);
    const notes = await this.load(current);
    if (this.shown === current && notes) {
      const own = notes.find((one) => one.annotator === this.session.annotator);
      const isUntouched = !this.text.value && !this.tags.value;
      if (own && isUntouched) {
        this.fill(own);
      }
      this.drawList(notes);
    }
  }

  opinionsKnown() {
    return this.session.samples
      .opinionsOf(this.shown)
      .map((one) => `${one.annotator} ${one.action}`)
      .join();
  }

  async drawOthers() {
    const { shown } = this;
    if (shown === null || this.known === this.opinionsKnown()) {
      return;
    }
    this.known = this.opinionsKnown();
    await this.drawOthersOf(new Set([shown]));
  }

  /** Somebody wrote a note on some samples, perhaps on the one that is shown. */
  async drawOthersOf(indices) {
    const { shown } = this;
    if (!indices.has(shown)) {
      return;
    }
    const notes = await this.load(shown);
    if (notes && this.shown === shown) {
      this.drawList(notes);
    }
  }

  async load(index) {
    try {
      return await get(`/api/samples/${index}/notes`, { annotator: this.session.annotator });
    } catch {
      return null; // they come with the next sample, when the server answers again
    }
  }

  fill({ text, tags }) {
    this.own = { text, tags };
    this.text.value = text;
    this.tags.value = tags.join(", ");
  }

  drawList(notes) {
    byId("others-notes").replaceChildren(
      ...notes
        .filter((one) => one.annotator !== this.session.annotator)
        .map(({ annotator, text, tags }) => {
          const line = element("li", "other-note");
          line.append(element("span", "name", annotator), ": ", element("span", "name", text));
          tags.forEach((tag) => line.append(" ", element("span", "tag name", tag)));
          return line;
        }),
    );
  }

  /** Keep what is written, if it is another than before. */
  save() {
    const text = this.text.value.trim();
    const tags = [...new Set(this.tags.value.split(",").map((one) => one.trim()).filter(Boolean))];
    const { run } = this.session;
    if (this.shown === null || (text === this.own.text && tags.join() === this.own.tags.join())) {
      return;
    }
    if (tags.length > run.most_tags || tags.some((one) => one.length > run.longest_tag)) {
      this.tell(`At most ${run.most_tags} tags of ${run.longest_tag} letters each: not saved.`);
      return;
    }
    this.own = { text, tags };
    this.written.set(this.shown, this.own);
    this.session.note(this.shown, text, tags);
  }

  tell(words) {
    byId("note-saved").textContent = words;
  }
}
