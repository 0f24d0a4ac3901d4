/* Tells that the run was analyzed again, and goes on with the newer analysis. */

import { byId } from "/page/elements.js";
import { post } from "/page/server.js";

const PATIENCE = 900_000; // milliseconds: a large run is read anew

export class Renewal {
  constructor(page) {
    this.page = page;
    this.isNewer = false;
    byId("renew").addEventListener("click", () => this.renew());
  }

  /** What the server serves now, and whether there is a newer analysis on its disk. */
  hear({ analysis, is_newer_there: isNewer }) {
    if (byId("renew").disabled) {
      return; // it is being loaded
    }
    this.isNewer = isNewer;
    const isOther = isNewer || analysis !== this.page.run.analysis;
    if (byId("renewal").hidden === isOther) {
      byId("renewal").hidden = !isOther;
      byId("renewal-words").textContent = isOther
        ? "This run was analyzed again meanwhile: order, suggestions and piles may be others. Your decisions stay."
        : "";
    }
  }

  async renew() {
    byId("renew").disabled = true;
    try {
      await this.page.outbox.sending;
      if (this.isNewer) {
        byId("renewal-words").textContent = "Reading the new analysis …";
        await post("/api/renew", { run: this.page.run.run }, PATIENCE);
      }
      location.reload();
    } catch (error) {
      byId("renewal-words").textContent = `The new analysis cannot be loaded: ${error.message}`;
      byId("renew").disabled = false;
    }
  }
}
