/* Tells that dataparams apply changed the data, and shows everything from where it is now. */

import { readPicturesAnew } from "/page/pieces.js";

export class MovedData {
  constructor(page) {
    this.page = page;
    this.mark = page.run.data;
  }

  /** What the server knows of the data: another mark after every change, and while one is made. */
  hear({ data, trouble }) {
    if (data === this.mark) {
      return;
    }
    this.mark = data;
    const { grid, map, samples, single } = this.page;
    readPicturesAnew();
    samples.forgetContents();
    grid.fillAgain();
    map.forgetContents();
    single.shown = null;
    single.draw();
    if (!trouble) {
      this.page.say("dataparams apply changed the data: samples are read from where they are now, labels are shown as given.");
    }
  }
}
