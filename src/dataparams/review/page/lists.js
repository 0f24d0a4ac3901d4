/* Lists to open beside the filter: confusions, what was found beside labels, and named filters. */

import { byId, count, element } from "/page/elements.js";
import { counted } from "/page/pieces.js";
import { get, post } from "/page/server.js";

const EVERY = ["hard", "review", "easy"];
const AT_ONCE = 100;

export class Lists {
  constructor(page) {
    this.page = page;
    this.run = page.run;
    this.finding = null;
    const opened = {
      "saved-lists": () => this.drawSaved(),
      "confusion-lists": () => this.drawConfusions(),
      "finding-lists": () => this.drawKinds(),
    };
    for (const [id, draw] of Object.entries(opened)) {
      byId(id).addEventListener("toggle", ({ target }) => target.open && this.tried(draw));
    }
    byId("save-filter").addEventListener("click", () => {
      byId("save-name").value = "";
      byId("save-dialog").showModal();
    });
    byId("save-form").addEventListener("submit", () => this.tried(() => this.save()));
    byId("list-leave").addEventListener("click", () => this.leave());
    byId("list-next").addEventListener("click", () => this.next());
    page.session.addEventListener("queue", () => this.tried(() => this.drawLine()));
    this.tried(async () => {
      byId("finding-lists").hidden = (await this.loadKinds()) === null;
    });
  }

  async tried(step) {
    try {
      await step();
    } catch (error) {
      this.page.explain(error);
    }
  }

  open(query) {
    this.page.filters.open(false);
    this.page.setView(this.page.view === "single" ? "grid" : this.page.view);
    return this.page.filters.set({ decision: "any", category: EVERY, ...query });
  }

  /** What is most like a sample, whatever its class. */
  async openSimilar(index) {
    if (index === null || !this.run.has_features) {
      return;
    }
    this.page.setView("grid");
    await this.open({ near: String(index) });
  }

  leave() {
    return this.page.filters.set({});
  }

  /* The list that is open ---------------------------------------------------------------------- */

  async drawLine() {
    const { near, finding, found } = this.page.session.queue.query;
    const list = near ?? finding ?? found ?? null;
    byId("list-line").hidden = list === null;
    byId("list-next").hidden = true;
    this.finding = null;
    if (near !== undefined) {
      await this.page.samples.loadFacts([Number(near)]);
      const facts = this.page.samples.facts.get(Number(near));
      byId("list-words").textContent =
        `What the model sees as most like ${facts.id}, the most like first.`;
    } else if (finding !== undefined) {
      await this.drawFinding(Number(finding));
    } else if (found !== undefined) {
      const kinds = await this.loadKinds();
      const kind = kinds?.kinds.find((one) => one.kind === found);
      byId("list-words").textContent = kind ? `Found beside the labels: ${kind.words}.` : "";
    }
  }

  async drawFinding(number) {
    const finding = await get(`/api/finding/${number}`);
    if (this.page.session.queue.query.finding !== String(number)) {
      return;
    }
    this.finding = finding;
    const words = finding.is_one_thing
      ? ` All ${count(finding.samples)} are selected: one decision is for them all.`
      : "";
    byId("list-words").textContent = `${finding.sentence}${words}`;
    byId("list-next").hidden = finding.next === null;
    if (finding.is_one_thing) {
      await this.page.session.selectAll();
    }
  }

  /** On to the next group of the same kind. */
  next() {
    if (this.finding?.next !== undefined && this.finding?.next !== null) {
      this.open({ finding: String(this.finding.next) });
    }
  }

  /* Confusions and findings -------------------------------------------------------------------- */

  async drawConfusions() {
    const cells = await get("/api/confusions");
    const names = this.page.session.classNames;
    byId("confusions-words").textContent = cells.length
      ? "Which class is suggested in place of which, where a label is doubted."
      : "No other class is suggested anywhere.";
    byId("confusion-list").replaceChildren(
      ...cells.map(({ label, suggested, count: many }) =>
        entry(`${names[label]} → ${names[suggested]}`, many, () =>
          this.open({
            label: String(label),
            suggested: String(suggested),
            category: ["hard", "review"],
          }),
        ),
      ),
    );
  }

  async loadKinds() {
    this.kinds ??= await get("/api/findings");
    return this.kinds;
  }

  async drawKinds() {
    const { kinds, not_checked: others } = await this.loadKinds();
    const found = kinds.filter((one) => one.findings);
    byId("finding-list").replaceChildren(...found.map((one) => this.kindEntry(one)));
    const nothing = found.length ? "" : "Nothing was found. ";
    byId("findings-words").textContent =
      nothing + others.map(({ words, why }) => `Not looked for: ${words} (${why})`).join(" ");
  }

  /** A kind: all its samples, and its findings one by one. */
  kindEntry({ kind, words, findings, samples }) {
    const item = element("li");
    const details = element("details", "kind");
    const summary = element("summary");
    summary.append(element("span", "name", words), " ", element("span", "muted", count(findings)));
    const list = element("ul", "plain");
    details.append(summary, list);
    details.addEventListener("toggle", () => {
      if (details.open && !list.childElementCount) {
        list.append(entry("All of them", samples, () => this.open({ found: kind })));
        this.tried(() => this.addFindings(list, kind, -1));
      }
    });
    item.append(details);
    return item;
  }

  async addFindings(list, kind, after) {
    const some = await get(`/api/findings/${kind}`, { after, limit: AT_ONCE });
    for (const { number, sentence, samples } of some) {
      list.append(entry(sentence, samples, () => this.open({ finding: String(number) })));
    }
    if (some.length === AT_ONCE) {
      const more = element("li");
      const button = element("button", "list-entry", "More …");
      button.type = "button";
      button.addEventListener("click", () => {
        more.remove();
        this.tried(() => this.addFindings(list, kind, some.at(-1).number));
      });
      more.append(button);
      list.append(more);
    }
  }

  /* Named filters ------------------------------------------------------------------------------ */

  async drawSaved() {
    this.listSaved(await get("/api/filters"));
  }

  listSaved(filters) {
    byId("saved-none").hidden = filters.length > 0;
    byId("saved-list").replaceChildren(
      ...filters.map(({ name, address, annotator }) => {
        const item = entry(name, null, () => this.openSaved(address));
        item.firstElementChild.title = `Saved by ${annotator}`;
        const remove = element("button", "remove", "✕");
        remove.type = "button";
        remove.setAttribute("aria-label", `Remove the filter ${name}`);
        remove.addEventListener("click", () => this.tried(() => this.forget(name)));
        item.append(remove);
        return item;
      }),
    );
  }

  openSaved(address) {
    this.page.filters.open(false);
    this.page.filters.read(new URLSearchParams(address));
    return this.page.filters.change();
  }

  async save() {
    const name = byId("save-name").value.trim();
    if (name) {
      const address = this.page.filters.parameters.toString();
      const { annotator } = this.page.session;
      this.listSaved(await post("/api/filters", { run: this.run.run, name, address, annotator }));
      this.page.say(`Saved as ${name}.`);
    }
  }

  async forget(name) {
    this.listSaved(await post("/api/filters/forget", { run: this.run.run, name }));
    this.page.say(`${name} is removed.`);
  }
}

function entry(words, many, onOpen) {
  const item = element("li", "list-item");
  const button = element("button", "list-entry");
  button.type = "button";
  button.append(element("span", "name", words));
  if (many !== null) {
    const number = element("span", "muted", count(many));
    number.title = counted(many, "sample");
    button.append(number);
  }
  button.addEventListener("click", onOpen);
  item.append(button);
  return item;
}
