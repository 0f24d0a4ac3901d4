/* What the buttons would decide about, and which of them says what was decided. */

import { byId, count } from "/page/elements.js";
import { counted } from "/page/pieces.js";

/** Say it below, and on the buttons. */
export function drawTarget(deciding) {
  const { page, session, targets } = deciding;
  const { samples, selection, classNames } = session;
  const isGroup = deciding.decidesGroup;
  const shown = targets.length === 1 || (isGroup && targets.length) ? targets[0] : null;
  const facts = samples.facts.get(shown) ?? null;
  byId("target").textContent = selection.size
    ? `${count(selection.size)} selected`
    : page.view === "map"
      ? "Nothing selected"
      : isGroup && targets.length
        ? `Applies to ${counted(targets.length, "sample")}`
        : (facts?.id.split("/").at(-1) ?? (targets.length ? "…" : "No sample"));
  byId("clear").hidden = selection.size === 0;
  const forAll = isGroup ? `all ${count(targets.length)}: ` : "";
  byId("keep-what").textContent = facts ? forAll + classNames[facts.label] : "";
  const suggestion = facts && facts.suggested !== null ? classNames[facts.suggested] : "";
  byId("suggest-what").textContent = suggestion ? forAll + suggestion : facts ? "none" : "";
  drawButtons(targets, facts, suggestion, isGroup);
  drawChosen(facts, shown === null ? null : samples.ownOpinion(shown));
}

function drawButtons(targets, facts, suggestion, isGroup) {
  for (const button of buttons()) {
    const { action } = button.dataset;
    button.disabled = !targets.length || (action === "suggest" && facts !== null && !suggestion);
  }
  byId("discard-others").hidden = !isGroup || targets.length < 2;
}

function drawChosen(facts, own) {
  const pressed = own && { keep: "keep", discard: "discard", skip: "skip" }[own.action];
  const isSuggested = own?.action === "relabel" && own.label === facts?.suggested;
  for (const button of buttons()) {
    const { action } = button.dataset;
    const isChosen =
      action === pressed ||
      (action === "suggest" && isSuggested) ||
      (action === "choose" && own?.action === "relabel" && !isSuggested);
    button.classList.toggle("chosen", isChosen);
  }
}

const buttons = () => document.querySelectorAll(".action[data-action]");
