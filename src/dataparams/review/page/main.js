/* Puts the page together: filters, views, keys, and what is said. */

import { Grid } from "/page/grid.js";
import { Link } from "/page/link.js";
import { SampleMap } from "/page/map.js";
import { Outbox } from "/page/outbox.js";
import { byId, count, element } from "/page/elements.js";
import { counted } from "/page/pieces.js";
import { ClassPicker } from "/page/picker.js";
import { Samples } from "/page/samples.js";
import { NotConnected, Refused, beginSession, expectRun, get } from "/page/server.js";
import { Session } from "/page/session.js";
import { Single } from "/page/single.js";

const TOAST = 5000;
const SEARCH_PAUSE = 250;
const NAME = "dataparams-review/annotator";
const KEYS_ON = "dataparams-review/keys";

class Page {
  constructor(run) {
    this.run = run;
    this.outbox = new Outbox(run.run);
    this.samples = new Samples(this.outbox);
    this.session = new Session(run, this.samples, this.outbox);
    this.picker = new ClassPicker(this.session.classNames);
    this.grid = new Grid(this.session, { onOpen: () => this.setView("single") });
    this.single = new Single(this.session);
    this.map = new SampleMap(this.session, { onOpen: (index) => this.openFromMap(index) });
    this.link = new Link(this);
    this.form = byId("filters");
    this.view = "grid";
    this.turn = Promise.resolve();
    this.onSaved = null;
    this.keysOn = recall(KEYS_ON) !== "off";
    byId("keys-on").checked = this.keysOn;
    document.title = `Review: ${run.name}`;
    byId("run-name").textContent = run.name;
    this.fillFilters();
    this.showWarnings();
    this.listen();
  }

  async begin() {
    const name = this.run.annotator ?? recall(NAME);
    this.session.setAnnotator(name ?? (await this.askName()));
    this.drawAnnotator();
    this.readAddress();
    await this.reload();
    this.link.start(this.run.number);
    this.outbox.send();
  }

  listen() {
    const { session, outbox } = this;
    session.addEventListener("queue", () => this.drawCounted());
    session.addEventListener("current", () => this.drawTarget());
    session.addEventListener("selection", () => this.drawTarget());
    session.addEventListener("progress", () => this.drawProgress());
    session.addEventListener("opinions", () => {
      this.drawTarget();
      this.drawRefresh();
    });
    session.addEventListener("stale", () => this.askAgain());
    session.addEventListener("trouble", ({ detail }) => this.explain(detail));
    session.addEventListener("end", () => this.onEnd());
    session.addEventListener("undone", ({ detail }) => this.onUndone(detail));
    session.addEventListener("refused", ({ detail }) => this.say(`Not saved: ${detail}`));
    this.samples.addEventListener("facts", () => this.drawTarget());
    outbox.addEventListener("change", () => this.drawSaving());
    outbox.addEventListener("change", () => this.reloadIfSaved());
    for (const button of document.querySelectorAll(".action[data-action]")) {
      button.addEventListener("click", () => this.act(button.dataset.action));
    }
    for (const button of document.querySelectorAll(".views button")) {
      button.addEventListener("click", () => this.setView(button.dataset.view));
    }
    byId("clear").addEventListener("click", () => {
      session.clearSelection();
      this.refocus(); // the button is gone
    });
    byId("undo").addEventListener("click", () => this.undo());
    byId("help").addEventListener("click", () => byId("help-dialog").showModal());
    byId("people").addEventListener("click", () => this.showPeople());
    byId("change-name").addEventListener("click", () => this.changeName());
    byId("refresh").addEventListener("click", async () => {
      await this.reload();
      this.refocus(); // the button is gone
    });
    byId("select-all").addEventListener("click", () => this.selectAll());
    byId("show-disputed").addEventListener("click", () => {
      byId("people-dialog").close();
      this.setFilter({ decision: "disputed", category: ["hard", "review", "easy"] });
    });
    byId("keys-on").addEventListener("change", ({ target }) => {
      this.keysOn = target.checked;
      keep(KEYS_ON, target.checked ? "on" : "off");
    });
    for (const button of document.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => button.closest("dialog").close());
    }
    for (const dialog of document.querySelectorAll("dialog:not(#who)")) {
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }
    this.form.addEventListener("change", ({ target }) => {
      if (target.name === "subgroup" || target.name === "outlier") {
        this.showEasyOnes();
      }
      this.onFilter();
    });
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault(); // Enter in the search field: on to what was found
      await this.onFilter();
      this.openFilters(false);
      this.refocus();
    });
    this.form.addEventListener("reset", () => setTimeout(() => this.onFilter()));
    this.form.elements.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.onFilter(), SEARCH_PAUSE);
    });
    byId("filters-open").addEventListener("click", () => this.openFilters(true));
    byId("filters-close").addEventListener("click", () => this.openFilters(false));
    document.addEventListener("keydown", (event) => this.onKey(event));
    addEventListener("beforeunload", (event) => {
      if (!outbox.isKept) {
        event.preventDefault();
      }
    });
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

  fillFilters() {
    const { label, suggested } = this.form.elements;
    byId("only-outliers").hidden = !this.run.outliers;
    byId("outliers-count").textContent = `(${count(this.run.outliers)})`;
    const sorted = this.run.classes
      .map((one, number) => ({ ...one, number }))
      .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    for (const one of sorted) {
      const suspicious = one.hard + one.review;
      const judged = one.unjudged ? `, ${one.unjudged}` : "";
      label.append(new Option(`${one.name} (${count(suspicious)}${judged})`, one.number));
      suggested.append(new Option(one.name, one.number));
    }
  }

  get query() {
    const data = new FormData(this.form);
    const known = {
      decision: data.get("decision"),
      category: data.getAll("category"),
      label: data.get("label"),
      suggested: data.get("suggested"),
      subgroup: data.get("subgroup"),
      outlier: data.get("outlier"),
      search: data.get("search").trim(),
    };
    return Object.fromEntries(Object.entries(known).filter(([, value]) => value?.length));
  }

  setFilter(query) {
    for (const field of ["decision", "label", "suggested", "search"]) {
      this.form.elements[field].value = query[field] ?? (field === "decision" ? "todo" : "");
    }
    const categories = query.category ?? ["hard", "review"];
    for (const box of this.form.querySelectorAll("[name=category]")) {
      box.checked = categories.includes(box.value);
    }
    this.form.elements.outlier.checked = query.outlier === "true";
    this.fillSubgroups(query.subgroup ?? "");
    return this.onFilter();
  }

  fillSubgroups(chosen) {
    const { label, subgroup } = this.form.elements;
    const groups = this.run.subgroups.filter((one) => String(one.label) === label.value);
    subgroup.replaceChildren(new Option(label.value ? "All of the class" : "Choose a class first", ""));
    for (const group of groups) {
      subgroup.append(new Option(`${group.name} (${count(group.count)})`, group.name));
    }
    subgroup.disabled = !groups.length;
    subgroup.value = groups.some((group) => group.name === chosen) ? chosen : "";
  }

  /** A rare kind is mostly easy, and an outlier may be: what is asked for is not hidden. */
  showEasyOnes() {
    const { label, outlier, subgroup } = this.form.elements;
    const chosen = this.run.subgroups.find(
      (one) => String(one.label) === label.value && one.name === subgroup.value,
    );
    if (chosen?.easy || outlier.checked) {
      this.form.querySelector("[name=category][value=easy]").checked = true;
    }
  }

  onFilter() {
    clearTimeout(this.typing);
    this.fillSubgroups(this.form.elements.subgroup.value);
    this.writeAddress();
    return this.reload();
  }

  async reload() {
    try {
      await this.session.load(this.query);
    } catch (error) {
      this.explain(error);
      return false;
    }
    this.drawRefresh();
    if (this.view === "map") {
      this.map.show(this.mapLabel);
    }
    this.single.shown = null;
    this.single.draw();
    return true;
  }

  get mapLabel() {
    const { value } = this.form.elements.label;
    return value === "" ? null : Number(value);
  }

  openFilters(isOpen) {
    this.form.classList.toggle("open", isOpen);
    byId("filters-open").setAttribute("aria-expanded", isOpen);
    (isOpen ? this.form.elements.decision : byId("filters-open")).focus();
  }

  /** The filter is in the address, so that it outlives a reload and can be kept as a bookmark. */
  writeAddress() {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(this.query)) {
      [value].flat().forEach((one) => parameters.append(name, one));
    }
    parameters.set("view", this.view);
    history.replaceState(null, "", `${location.pathname}#${parameters}`);
  }

  readAddress() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    if (!parameters.size) {
      return;
    }
    for (const name of ["decision", "label", "suggested", "search"]) {
      const field = this.form.elements[name];
      field.value = parameters.get(name) ?? field.value;
      if (field.selectedIndex === -1) {
        field.selectedIndex = 0;
      }
    }
    for (const box of this.form.querySelectorAll("[name=category]")) {
      box.checked = parameters.getAll("category").includes(box.value);
    }
    this.form.elements.outlier.checked = parameters.get("outlier") === "true";
    this.fillSubgroups(parameters.get("subgroup") ?? "");
    const view = parameters.get("view");
    if (["grid", "single", "map"].includes(view)) {
      this.setView(view);
    }
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
      this.refocus();
    } else if (view === "map") {
      this.session.clearSelection();
      this.map.show(this.mapLabel);
    } else {
      this.grid.show();
    }
    this.writeAddress();
    this.drawTarget();
    this.drawCounted();
    this.drawRefresh();
  }

  async openFromMap(index) {
    if (!(await this.session.moveToIndex(index))) {
      const { value } = this.form.elements.label;
      await this.setFilter({ decision: "any", category: ["hard", "review", "easy"], label: value });
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
    const isDone = queue.query.decision === "todo" && !queue.query.search;
    byId("empty").hidden = this.view === "map" || queue.total > 0;
    byId("empty-words").textContent = isDone
      ? "Nothing is left to do here. Well done."
      : "No sample is like that. Widen the filter.";
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
    const further = progress.mine - mine;
    if (further > 0) {
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
    const { session, samples } = this;
    const { selection, classNames } = session;
    const isMap = this.view === "map";
    const targets = isMap ? [...selection] : session.targets;
    const facts = targets.length === 1 ? samples.facts.get(targets[0]) : null;
    byId("target").textContent = selection.size
      ? `${count(selection.size)} selected`
      : isMap
        ? "Nothing selected"
        : (facts?.id.split("/").at(-1) ?? (targets.length ? "…" : "No sample"));
    byId("clear").hidden = selection.size === 0;
    byId("keep-what").textContent = facts ? classNames[facts.label] : "";
    const suggestion = facts && facts.suggested !== null ? classNames[facts.suggested] : "";
    byId("suggest-what").textContent = suggestion || (facts ? "none" : "");
    for (const button of document.querySelectorAll(".action[data-action]")) {
      button.disabled =
        !targets.length ||
        (button.dataset.action === "suggest" && facts !== null && facts !== undefined && !suggestion);
    }
    const own = targets.length === 1 ? samples.ownOpinion(targets[0]) : null;
    const pressed = own && { keep: "keep", discard: "discard", skip: "skip" }[own.action];
    const isSuggested = own?.action === "relabel" && own.label === facts?.suggested;
    for (const button of document.querySelectorAll(".action[data-action]")) {
      const { action } = button.dataset;
      const isChosen =
        action === pressed ||
        (action === "suggest" && isSuggested) ||
        (action === "choose" && own?.action === "relabel" && !isSuggested);
      button.classList.toggle("chosen", isChosen);
    }
  }

  /* Deciding ----------------------------------------------------------------------------------- */

  /** One after the other, also where a step waits for the server. */
  inTurn(step) {
    const done = this.turn.then(step);
    this.turn = done.catch(() => {});
    return done;
  }

  /** A key that is pressed before the next sample is there does not count: nobody has seen it. */
  async act(action) {
    if (this.isActing) {
      return;
    }
    this.isActing = true;
    try {
      await this.inTurn(() => this.actOn(action));
    } catch (error) {
      this.explain(error);
    } finally {
      this.isActing = false;
    }
  }

  async actOn(action) {
    const { session, samples } = this;
    const isMap = this.view === "map";
    const targets = isMap ? [...session.selection] : session.targets;
    if (!targets.length) {
      this.say(isMap ? "Drag around some samples first." : "There is no sample to decide about.");
      return;
    }
    if (action === "again" && session.lastLabel === null) {
      this.say("Choose a class first: C.");
      return;
    }
    // What is decided must have been seen, and the suggestion known.
    await samples.loadFacts(targets);
    if (action === "again") {
      await this.decide(targets, "relabel", session.lastLabel);
    } else if (action === "choose") {
      const only = targets.length === 1 ? samples.facts.get(targets[0]) : null;
      const label = await this.picker.ask(targets.length, only?.suggested ?? null);
      if (label !== null) {
        await this.decide(targets, "relabel", label);
      }
      this.refocus();
    } else {
      await this.decide(targets, action, null);
    }
  }

  async decide(targets, action, label) {
    const { session } = this;
    const hadSelection = session.selection.size > 0;
    const from = session.position;
    const decisions = session.decide(targets, action, label);
    this.say(this.decidedWords(decisions, targets.length));
    if (!decisions.length) {
      return;
    }
    if (hadSelection) {
      session.clearSelection();
      if (this.view === "grid") {
        await session.advance(Math.max(from, session.queue.lastPositionOf(new Set(targets))));
      }
    } else {
      await session.advance(from);
    }
  }

  decidedWords(decisions, wanted) {
    const { samples, classNames } = this.session;
    if (!decisions.length) {
      return wanted === 1 ? this.withoutSuggestion() : "No labels are suggested.";
    }
    const left = wanted - decisions.length;
    const rest = left ? ` ${counted(left, "sample has", "samples have")} no suggestion and are left.` : "";
    const [index, action, label] = decisions[0];
    const name = classNames[label ?? samples.facts.get(index)?.label];
    if (decisions.length === 1) {
      const words = {
        keep: `Kept as ${name}`,
        relabel: `Now ${name}`,
        discard: "Discarded",
        skip: "Unsure",
      };
      return `${words[action]}.${rest}`;
    }
    const isSame = decisions.every(([, one, to]) => one === action && to === label);
    const what = isSame
      ? { keep: "kept", relabel: `now ${name}`, discard: "discarded", skip: "unsure" }[action]
      : "took their suggestions";
    return `${counted(decisions.length, "sample")} ${what}.${rest}`;
  }

  /** Why there is no suggestion to take. */
  withoutSuggestion() {
    const facts = this.samples.facts.get([...this.session.targets][0]);
    return !facts || facts.note === "none"
      ? "No label is suggested for this sample."
      : `There is no suggestion to take: ${facts.note}.`;
  }

  /** A list of what is to do ends where it began: with what was passed over, or with nothing. */
  onEnd() {
    if (this.session.waitsForDecisions) {
      this.reloadWhenSaved((total) => {
        if (total) {
          const comes = counted(total, "sample comes", "samples come");
          this.say(`That was the last one. ${comes} again that you passed over.`);
        }
      });
    } else {
      this.say("That was the last one of this list.");
    }
  }

  /** Read the list anew when the server knows all that was decided. */
  reloadWhenSaved(then) {
    this.onSaved = then;
    this.reloadIfSaved();
  }

  reloadIfSaved() {
    const then = this.onSaved;
    if (!then || this.outbox.length) {
      return;
    }
    this.onSaved = null;
    this.inTurn(async () => (await this.reload()) && then(this.session.queue.total));
  }

  undo() {
    return this.inTurn(() => this.undoNow());
  }

  async undoNow() {
    const { session } = this;
    const undone = session.undo();
    if (undone === null) {
      // Made before this page was opened, or on another one: the server tells what it was.
      if (!this.link.isConnected) {
        this.say("What this takes back shows when the server answers again.");
      }
      return;
    }
    this.say(undone.length === 1 ? "Undone." : `Undone for ${counted(undone.length, "sample")}.`);
    await this.showUndone(undone[0]);
  }

  async showUndone(index) {
    const { session } = this;
    if (this.view !== "map" && !(await session.moveToIndex(index)) && !session.queue.total) {
      this.reloadWhenSaved(() => session.moveToIndex(index));
    }
  }

  async onUndone({ indices, isOther, wasTold }) {
    if (wasTold) {
      return;
    }
    if (!indices.length) {
      this.say("There is nothing left to undo.");
      return;
    }
    const words = indices.length === 1 ? "Undone" : `Undone for ${counted(indices.length, "sample")}`;
    this.say(isOther ? `${words}: your last decision, made on another page.` : `${words}.`);
    if (this.view !== "map") {
      await this.showUndone(indices[0]);
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

  /* Keys --------------------------------------------------------------------------------------- */

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
      this.undo();
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
    const { session, view } = this;
    const isOnButton = event.target.matches("button, a, input, summary");
    if (event.key.startsWith("Arrow")) {
      return this.arrowOf(event);
    }
    const always = {
      Enter: view === "grid" && !isOnButton && (() => this.setView("single")),
      " ": view === "grid" && !isOnButton && (() => session.toggle(session.current, session.position)),
    };
    if (Object.hasOwn(always, event.key)) {
      return always[event.key] || null;
    }
    const single = {
      k: () => this.act("keep"),
      s: () => this.act("suggest"),
      c: () => this.act("choose"),
      r: () => this.act("again"),
      d: () => this.act("discard"),
      u: () => this.act("skip"),
      z: () => this.undo(),
      g: () => this.setView("grid"),
      o: () => this.setView("single"),
      m: () => this.setView("map"),
      a: view === "grid" && (() => this.selectAll()),
      "/": () => this.goToSearch(),
      "?": () => byId("help-dialog").showModal(),
    };
    const key = event.key.toLowerCase();
    return (this.keysOn && !event.repeat && Object.hasOwn(single, key) && single[key]) || null;
  }

  /** Arrows go to other samples wherever the focus is, such as on a button that was clicked. */
  arrowOf(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.target.matches("input") || (this.view === "single" && !step)) {
      return null;
    }
    const isFirst = document.activeElement === document.body; // it only brings the focus
    return {
      grid: () => (isFirst ? this.grid.focus() : this.grid.onKey(event)),
      single: () => this.single.move(step),
      map: () => this.map.onKey(event),
    }[this.view];
  }

  onEscape(target, isTyping) {
    if (this.form.classList.contains("open")) {
      this.openFilters(false);
    } else if (isTyping) {
      target.blur();
      this.refocus();
    } else if (this.session.selection.size) {
      this.session.clearSelection();
    } else if (this.view === "single") {
      this.setView("grid");
    }
  }

  goToSearch() {
    if (getComputedStyle(this.form).display === "none") {
      this.openFilters(true);
    }
    this.form.elements.search.focus();
    this.form.elements.search.select();
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

  /* People ------------------------------------------------------------------------------------- */

  askName() {
    const dialog = byId("who");
    byId("who-name").value = this.session.annotator ?? recall(NAME) ?? "";
    dialog.showModal();
    return new Promise((resolve) => {
      const form = byId("who-form");
      const onCancel = (event) => {
        if (this.session.annotator === null) {
          event.preventDefault(); // nobody can decide without a name
        }
      };
      dialog.addEventListener("cancel", onCancel);
      form.onsubmit = (event) => {
        const name = byId("who-name").value.trim();
        if (!name) {
          event.preventDefault();
          byId("who-name").value = "";
          byId("who-name").reportValidity();
          return;
        }
        dialog.removeEventListener("cancel", onCancel);
        keep(NAME, name);
        resolve(name);
      };
    });
  }

  async changeName() {
    byId("people-dialog").close();
    this.session.setAnnotator(await this.askName());
    this.drawAnnotator();
    await this.reload();
  }

  drawAnnotator() {
    byId("annotator").textContent = this.session.annotator;
    byId("people-me").textContent = this.session.annotator;
  }

  async showPeople() {
    let answer;
    try {
      answer = await get("/api/people");
    } catch (error) {
      this.explain(error);
      return;
    }
    const rows = answer.annotators.map((one) => {
      const row = element("tr");
      const name = element("th", "name", one.name);
      name.scope = "row";
      row.append(name, element("td", "number", count(one.decided)), element("td", "number", count(one.unsure)));
      return row;
    });
    byId("people-rows").replaceChildren(...rows);
    byId("show-disputed").disabled = !this.session.progress?.disputed;
    byId("agreements").replaceChildren(...agreementLines(answer.agreements));
    byId("people-dialog").showModal();
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

function agreementLines(agreements) {
  if (!agreements.length) {
    return [element("p", "muted", "Where two decide about the same samples, how far they agree is told here.")];
  }
  const table = element("table", "people");
  const head = element("tr");
  for (const [text, kind] of [["Agreement", ""], ["In common", "number"], ["Agreed", "number"], ["Cohen’s κ", "number"]]) {
    const cell = element("th", kind, text);
    cell.scope = "col";
    head.append(cell);
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  for (const pair of agreements) {
    const row = element("tr");
    const names = element("th");
    names.scope = "row";
    names.append(element("span", "name", pair.first), " and ", element("span", "name", pair.second));
    row.append(
      names,
      element("td", "number", count(pair.common)),
      element("td", "number", `${Math.round((100 * pair.agreed) / pair.common)}%`),
      element("td", "number", pair.kappa === null ? "–" : pair.kappa.toFixed(2)),
    );
    body.append(row);
  }
  table.append(thead, body);
  return [table, element("p", "muted", "κ: 1 is complete agreement, 0 is as much as by chance.")];
}

function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It is asked for again next time.
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
