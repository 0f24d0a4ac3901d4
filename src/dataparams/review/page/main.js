/* Puts the page together: views, what they count, and what is said. */

import { Audit } from "/page/audit.js";
import { Deciding } from "/page/deciding.js";
import { Ending } from "/page/ending.js";
import { byId, count, element } from "/page/elements.js";
import { Filters } from "/page/filters.js";
import { Grid } from "/page/grid.js";
import { GroupPanel } from "/page/group_panel.js";
import { Keys } from "/page/keys.js";
import { Link } from "/page/link.js";
import { Lists } from "/page/lists.js";
import { SampleMap } from "/page/map.js";
import { MovedData } from "/page/moved_data.js";
import { Notes } from "/page/notes.js";
import { Outbox } from "/page/outbox.js";
import { People } from "/page/people.js";
import { counted } from "/page/pieces.js";
import { Renewal } from "/page/renewal.js";
import { Samples } from "/page/samples.js";
import { NotConnected, Refused, beginSession, expectRun, get } from "/page/server.js";
import { Session } from "/page/session.js";
import { Single } from "/page/single.js";
import { drawTarget } from "/page/target.js";

const TOAST = 5000;

class Page {
  constructor(run) {
    this.run = run;
    this.outbox = new Outbox(run.run);
    this.samples = new Samples(this.outbox, run.run);
    this.session = new Session(run, this.samples, this.outbox);
    this.people = new People(this.session);
    this.filters = new Filters(run, {
      onChange: () => this.onFilter(),
      onSubmit: () => this.refocus(),
    });
    this.grid = new Grid(this.session, { onOpen: () => this.setView("single") });
    const onSimilar = (index) => this.lists.openSimilar(index);
    this.groupPanel = new GroupPanel(this.session);
    this.single = new Single(this.session, { onSimilar });
    this.map = new SampleMap(this.session, {
      onOpen: (index) => this.openFromMap(index),
      onSimilar,
      queryOf: () => this.filters.query,
    });
    this.renewal = new Renewal(this);
    this.movedData = new MovedData(this);
    this.ending = new Ending(this);
    this.link = new Link(this);
    this.view = "grid";
    this.deciding = new Deciding(this);
    this.lists = new Lists(this);
    this.notes = new Notes(this.session);
    this.audit = new Audit(this);
    this.keys = new Keys(this);
    document.title = `Review: ${run.name}`;
    byId("run-name").textContent = run.name;
    this.showWords();
    this.showWarnings();
    this.listen();
  }

  async begin() {
    await this.people.begin();
    const hasAddress = this.readAddress();
    this.filters.begin(this.session.annotator, hasAddress);
    await this.reload();
    this.link.start(this.run);
    this.outbox.send();
  }

  listen() {
    const { session, outbox } = this;
    session.addEventListener("queue", () => this.drawCounted());
    session.addEventListener("current", () => this.drawTarget());
    for (const what of ["selection", "group"]) {
      session.addEventListener(what, () => this.drawTarget());
    }
    session.addEventListener("progress", () => this.drawProgress());
    session.addEventListener("opinions", () => {
      this.drawTarget();
      this.drawRefresh();
    });
    session.addEventListener("stale", () => this.askAgain());
    session.addEventListener("classes", () => this.filters.fillClasses());
    session.addEventListener("trouble", ({ detail }) => this.explain(detail));
    session.addEventListener("told", ({ detail }) => this.say(detail));
    session.addEventListener("refused", ({ detail }) => this.say(`Not saved: ${detail}`));
    this.samples.addEventListener("facts", () => this.drawTarget());
    outbox.addEventListener("change", () => this.drawSaving());
    for (const button of document.querySelectorAll(".action[data-action]")) {
      button.addEventListener("click", () => this.deciding.act(button.dataset.action));
    }
    for (const button of document.querySelectorAll(".views button")) {
      button.addEventListener("click", () => this.setView(button.dataset.view));
    }
    byId("clear").addEventListener("click", () => {
      session.clearSelection();
      this.refocus(); // the button is gone
    });
    byId("undo").addEventListener("click", () => this.deciding.undo());
    byId("help").addEventListener("click", () => byId("help-dialog").showModal());
    byId("people").addEventListener("click", () => this.showPeople());
    byId("change-name").addEventListener("click", async () => {
      await this.people.changeName();
      this.filters.begin(this.session.annotator, true);
      await this.reload();
    });
    byId("refresh").addEventListener("click", async () => {
      await this.reload();
      this.refocus(); // the button is gone
    });
    byId("select-all").addEventListener("click", () => this.selectAll());
    byId("show-disputed").addEventListener("click", () => {
      byId("people-dialog").close();
      this.filters.set({ decision: "disputed", category: ["hard", "review", "easy"] });
    });
    for (const button of document.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => button.closest("dialog").close());
    }
    for (const dialog of document.querySelectorAll("dialog:not(#who)")) {
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }
    addEventListener("beforeunload", (event) => {
      if (!outbox.isKept) {
        event.preventDefault();
      }
    });
  }

  /** Pictures, texts or rows: what they are called. */
  showWords() {
    for (const place of document.querySelectorAll("[data-word]")) {
      place.textContent = this.run.words[place.dataset.word];
    }
  }

  /** What everybody should read before they decide about anything. */
  showWarnings() {
    const { warnings } = this.run;
    byId("warnings-words").replaceChildren(...warnings.map((words) => element("p", "", words)));
    byId("warnings").hidden = !warnings.length;
    byId("warnings-close").addEventListener("click", () => {
      byId("warnings").hidden = true;
      this.refocus(); // the button is gone
    });
  }

  /* Filters ------------------------------------------------------------------------------------ */

  onFilter() {
    this.writeAddress();
    return this.reload();
  }

  async reload() {
    try {
      await this.session.load(this.filters.query);
    } catch (error) {
      this.explain(error);
      return false;
    }
    this.drawRefresh();
    if (this.view === "map") {
      this.map.show(this.filters.label);
    }
    this.single.shown = null;
    this.single.draw();
    return true;
  }

  /** The filter is in the address, so that it outlives a reload and can be kept as a bookmark. */
  writeAddress() {
    const { parameters } = this.filters;
    parameters.set("view", this.view);
    history.replaceState(null, "", `${location.pathname}#${parameters}`);
  }

  readAddress() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    if (!parameters.size) {
      return false;
    }
    this.filters.read(parameters);
    const view = parameters.get("view");
    if (["grid", "single", "map"].includes(view)) {
      this.setView(view);
    }
    return true;
  }

  /* Views -------------------------------------------------------------------------------------- */

  setView(view) {
    this.view = view;
    document.body.dataset.view = view;
    for (const name of ["grid", "single", "map"]) {
      byId(`${name}-view`).hidden = name !== view;
    }
    for (const button of document.querySelectorAll(".views button")) {
      button.setAttribute("aria-pressed", button.dataset.view === view);
    }
    if (view === "single") {
      this.session.clearSelection();
      this.single.show();
      this.notes.draw();
      this.refocus();
    } else if (view === "map") {
      this.session.clearSelection();
      this.map.show(this.filters.label);
    } else {
      this.grid.show();
    }
    this.groupPanel.draw();
    this.writeAddress();
    this.drawTarget();
    this.drawCounted();
    this.drawRefresh();
  }

  async openFromMap(index) {
    if (!(await this.session.moveToIndex(index))) {
      const label = this.filters.label ?? "";
      await this.filters.set({ decision: "any", category: ["hard", "review", "easy"], label });
      await this.session.queue.reach(this.session.queue.total - 1);
      await this.session.moveToIndex(index);
    }
    this.setView("single");
  }

  drawCounted() {
    const { queue } = this.session;
    if (!queue) {
      return;
    }
    byId("counted").textContent = this.view === "map" ? "" : counted(queue.total, "sample");
    byId("empty").hidden = this.view === "map" || queue.total > 0;
    const most = this.run.most_decisions;
    byId("select-all").hidden = this.view !== "grid" || queue.total === 0;
    byId("select-all").textContent =
      queue.total > most ? `Select the first ${count(most)}` : `Select all ${count(queue.total)}`;
  }

  drawRefresh() {
    const { session } = this;
    const decided = session.decidedSince;
    byId("refresh").hidden =
      decided === 0 || this.view === "map" || session.queue.query.decision === "any";
    byId("refresh").textContent = session.waitsForDecisions
      ? `Hide ${count(decided)} decided`
      : "Refresh the list";
  }

  /** Opinions changed unheard. */
  askAgain() {
    this.grid.draw();
    if (this.session.current !== null) {
      this.samples.want([this.session.current]);
    }
  }

  drawProgress() {
    const { progress } = this.session;
    const { suspicious, mine_suspicious: mine, anyone_suspicious: anyone } = progress;
    const parts = [`${count(mine)} of ${count(suspicious)} suspicious samples decided`];
    if (this.session.isAudit) {
      parts[0] = `${count(progress.audit_mine)} of ${count(progress.audit)} samples of the audit judged`;
    } else if (progress.assigned) {
      parts.push(`${count(progress.assigned_mine)} of ${count(progress.assigned)} assigned to you`);
    }
    const further = progress.mine - mine;
    if (further > 0 && !this.session.isAudit) {
      parts.push(`${count(further)} easy ones`);
    }
    if (progress.disputed) {
      parts.push(`${count(progress.disputed)} disputed`);
    }
    byId("progress-words").textContent = parts.join(" · ");
    const share = (number) => (100 * Math.min(number, suspicious)) / Math.max(suspicious, 1);
    document.querySelector(".mine-part").setAttribute("width", share(mine));
    document.querySelector(".others-part").setAttribute("width", share(Math.max(anyone, mine)));
  }

  /** What the buttons below would decide about. */
  drawTarget() {
    drawTarget(this.deciding);
  }

  async showPeople() {
    try {
      await this.people.show();
    } catch (error) {
      this.explain(error);
    }
  }

  async selectAll() {
    try {
      await this.session.selectAll();
      this.say(`${counted(this.session.selection.size, "sample")} selected.`);
    } catch (error) {
      this.explain(error);
    }
  }

  refocus() {
    if (this.view === "grid") {
      this.grid.focus();
    } else if (this.view === "map") {
      byId("map").focus();
    } else {
      byId("single-view").focus({ preventScroll: true }); // arrow keys scroll it
    }
  }

  /* Words -------------------------------------------------------------------------------------- */

  say(words) {
    const toast = byId("toast");
    toast.textContent = words;
    toast.classList.add("shown");
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => toast.classList.remove("shown"), TOAST);
  }

  drawSaving() {
    const { length, isKept } = this.outbox;
    const isConnected = this.link.isConnected && !this.outbox.trouble;
    const words = length
      ? isConnected
        ? "Saving …"
        : `${count(length)} waiting`
      : isConnected
        ? "All saved"
        : "Not connected";
    byId("saving-words").textContent = words;
    byId("saving").dataset.state = isConnected ? (length ? "saving" : "saved") : "waiting";
    byId("saving").title = isKept ? "" : "This browser has no room left: do not close the page.";
    this.link.drawBanner();
  }

  explain(error) {
    if (!(error instanceof NotConnected || error instanceof Refused)) {
      throw error;
    }
    this.say(
      error instanceof NotConnected
        ? "This comes from the server, which does not answer. It is tried again."
        : error.message,
    );
    this.link.fail(error);
  }
}

async function start() {
  try {
    await beginSession();
    const run = await get("/api/run");
    expectRun(run.run);
    const page = new Page(run);
    await page.begin();
  } catch (error) {
    byId("banner").hidden = false;
    byId("banner").textContent =
      error instanceof NotConnected
        ? "The server does not answer. Is it still running? Load the page again when it is."
        : error.message;
    byId("saving-words").textContent = "Not connected";
    byId("saving").dataset.state = "waiting";
    if (!(error instanceof NotConnected || error instanceof Refused)) {
      throw error;
    }
  }
}

start();
