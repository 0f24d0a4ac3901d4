/* The map: all samples by what the model sees in them, or a class by how its temperatures moved. */

import { byId, count } from "/page/elements.js";
import { MapFrame } from "/page/map_frame.js";
import { MapLabels } from "/page/map_labels.js";
import { MapLooks } from "/page/map_looks.js";
import { MapPictures } from "/page/map_pictures.js";
import { MapPointing } from "/page/map_pointing.js";
import { countBits, loadAll, loadClass, loadWanted } from "/page/map_points.js";
import { MapTip } from "/page/map_tip.js";
import { MapTools } from "/page/map_tools.js";
import { Picked } from "/page/picked.js";
import { neighborOf } from "/page/points.js";
import { PointGrid } from "/page/point_grid.js";
import { drawerOn, ring } from "/page/points_drawn.js";

const REACH = 18; // CSS pixels within which a mark counts as pointed at: fingers are wide
const STEP = 1.6; // of a press on + or -
const MOST_NEAR = 2000;
const [SMALLEST, LARGEST] = [2, 11]; // pixels across a point
const SETTLED = 180; // milliseconds after which the map stands still

export class SampleMap {
  constructor(session, { onOpen, onSimilar, queryOf }) {
    this.session = session;
    this.onOpen = onOpen;
    this.onSimilar = onSimilar;
    this.queryOf = queryOf;
    this.canvas = byId("map");
    this.picked = new Picked(session);
    this.tools = new MapTools(session.run);
    this.looks = new MapLooks(session, this.tools);
    this.frame = new MapFrame();
    const Contents = session.run.kind === "image" ? MapPictures : MapLabels;
    this.pictures = new Contents(session, () => this.drawOverSoon());
    this.tip = new MapTip(session, this.canvas);
    this.points = null;
    this.shown = null; // what the points are of
    this.current = null; // a rank
    this.asked = null;
    this.pointing = new MapPointing(this);
    this.listen();
  }

  listen() {
    const { session, tools } = this;
    new ResizeObserver(() => this.fit()).observe(byId("map-frame"));
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.dress());
    }
    session.addEventListener("selection", () => this.onSelection());
    session.addEventListener("opinions", () => this.isShown && this.dress());
    session.samples.addEventListener("facts", () => this.showTip());
    tools.addEventListener("kind", () => this.show(this.label));
    tools.addEventListener("wanted", () => this.showWanted());
    tools.addEventListener("look", () => this.dress());
    tools.addEventListener("color", () => {
      tools.drawLegend(this.points);
      this.dress();
    });
    tools.addEventListener("zoom", ({ detail }) => this.zoomBy(detail));
  }

  get isShown() {
    return !byId("map-view").hidden;
  }

  /* What is shown ------------------------------------------------------------------------------ */

  async show(label) {
    this.label = label;
    const what = this.tools.isOfAll ? "all" : label;
    if (what === this.shown && this.points) {
      this.say("");
      this.fit();
      await this.showWanted();
      return;
    }
    this.shown = what;
    this.setPoints(null);
    byId("map-words").textContent = "";
    if (what === null) {
      this.say("Choose a given class in the filter, and its map appears here.");
      return;
    }
    this.say("Laying out the map …");
    try {
      await (what === "all" ? this.showAll() : this.showClass(label));
    } catch (error) {
      if (this.shown === what) {
        this.shown = null;
        this.say(`The map cannot be had: ${error.message}`);
      }
    }
  }

  async showAll(again = false) {
    const { points, words } = await loadAll(
      this.session.annotator,
      (share) => {
        const percent = Math.round(100 * share);
        this.say(`Laying out all samples by what the model sees: ${percent}%. You can go on meanwhile.`);
      },
      () => this.isShown && this.shown === "all",
      again,
    );
    if (this.shown !== "all") {
      return;
    }
    if (!points) {
      this.shown = null; // it is asked for again when the map is opened again
      this.say(words);
      return;
    }
    byId("map-words").textContent =
      `All ${count(points.length)} samples: those that the model sees as alike lie together. ` +
      "Drag around a group, then decide; a wheel or two fingers zoom.";
    this.setPoints(points);
    this.say("");
    await this.showWanted();
  }

  async showClass(label) {
    const { points, total } = await loadClass(label);
    if (this.shown !== label) {
      return;
    }
    const shown = points.length;
    byId("map-words").textContent =
      (shown < total
        ? `${count(shown)} of the ${count(total)} samples given as `
        : `The ${count(shown)} samples given as `) +
      `“${this.session.classNames[label]}”: those whose temperatures moved alike lie together. ` +
      "Drag around a group, then decide.";
    this.setPoints(points);
    this.say(shown ? "" : "No sample has this label.");
  }

  /** Which points the filter wants, where only those should count; and who decided what. */
  async showWanted() {
    const { points, tools } = this;
    if (!points || this.shown !== "all") {
      return;
    }
    const { annotator } = this.session;
    const [wanted, mine] = await Promise.all([
      tools.showsWantedOnly ? loadWanted({ ...this.queryOf(), annotator }) : null,
      loadWanted({ annotator, decision: "mine" }),
    ]).catch(() => [null, null]);
    if (points === this.points) {
      this.looks.setBits(wanted, mine);
      byId("map-frame").dataset.wanted = wanted ? countBits(wanted) : points.length;
      this.dress();
    }
  }

  setPoints(points) {
    this.points = points;
    this.looks.setPoints(points);
    this.pointTo(null);
    if (points) {
      this.drawer ??= this.makeDrawer();
      this.grid = new PointGrid(points.xs, points.ys);
      const largest = (values) => values.reduce((most, value) => Math.max(most, value), 0);
      this.frame.setExtent(largest(points.xs), largest(points.ys));
      this.drawer.setPoints(points);
    }
    this.tools.highlighted = null;
    this.tools.drawLegend(points);
    this.onSelection();
    this.fit();
    if (points) {
      this.canvas.focus();
    }
  }

  makeDrawer() {
    const drawer = drawerOn(byId("map-points"));
    drawer.onRestored = () => this.dress();
    return drawer;
  }

  say(words) {
    byId("map-wait").textContent = words;
    byId("map-wait").hidden = !words;
  }

  /* Drawing ------------------------------------------------------------------------------------ */

  fit() {
    if (!this.isShown) {
      return;
    }
    const { clientWidth, clientHeight } = byId("map-frame");
    this.density = devicePixelRatio || 1;
    for (const canvas of [this.canvas, byId("map-points")]) {
      canvas.width = Math.round(clientWidth * this.density);
      canvas.height = Math.round(clientHeight * this.density);
    }
    this.frame.resize(clientWidth, clientHeight);
    this.drawSoon();
  }

  /** Colors, shapes and states of all points. */
  dress() {
    if (this.points) {
      this.looks.refresh();
      this.drawer.setLooks(this.looks.of);
    }
    this.drawSoon();
  }

  onSelection() {
    if (!this.isShown) {
      return;
    }
    const { points, session } = this;
    const ranks = points
      ? [...session.selection]
          .map((index) => points.rankOf(index))
          .filter((rank) => rank !== undefined)
          .sort((a, b) => a - b)
      : [];
    this.picked.show(
      ranks.map((rank) => ({ index: points.index[rank], category: points.categoryOf(rank) })),
    );
    this.dress();
  }

  /** Draw all of it: the view, colors or points are others. */
  drawSoon() {
    this.arePointsStale = true;
    this.drawOverSoon();
  }

  /** Draw what lies above the points: pictures, the point that is pointed at, the lasso. */
  drawOverSoon() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.draw();
    });
  }

  draw() {
    if (!this.isShown) {
      return;
    }
    byId("map-points").hidden = !this.points;
    if (this.points && this.arePointsStale) {
      this.drawPoints();
    }
    this.drawOver();
  }

  drawPoints() {
    const { frame, density, diameter, points, grid } = this;
    this.arePointsStale = false;
    const drawn = this.drawer.draw({
      ...frame,
      ...this.looks.palette,
      density,
      diameter,
      seen: grid.count(frame.box),
      isMoving: this.isMoving,
      inView: (most) => grid.within(frame.boxWith(LARGEST), most),
    });
    this.placed = this.pictures.placed(frame, grid, points, (rank) => this.looks.counts(rank));
    const told = byId("map-frame").dataset;
    told.pictures = this.placed.length;
    told.drawn = drawn;
    told.draws = Number(told.draws ?? 0) + 1;
  }

  drawOver() {
    const { frame, density, points } = this;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, frame.width, frame.height);
    if (!points) {
      return;
    }
    this.pictures.draw(pen, this.placed, points, (rank) => this.looks.rimOf(rank), this.looks.palette);
    if (this.current !== null) {
      const [x, y] = frame.pixelOf(points.xs[this.current], points.ys[this.current]);
      ring(pen, x, y, 12, this.looks.palette.ink, 2.5);
    }
    this.pointing.drawLasso(pen, this.looks.palette.accent);
  }

  /** Across a point, in pixels: the more of them are in view the smaller. */
  get diameter() {
    const { frame, grid } = this;
    const seen = Math.max(grid.count(frame.box), 1);
    const room = Math.sqrt((frame.width * frame.height) / seen);
    return Math.max(SMALLEST, Math.min(0.45 * room, LARGEST));
  }

  /* Zooming ------------------------------------------------------------------------------------ */

  zoomBy(way) {
    const zooms = { in: () => this.frame.zoom(STEP), out: () => this.frame.zoom(1 / STEP) };
    (zooms[way] ?? (() => this.frame.whole()))();
    this.afterMove();
  }

  afterMove() {
    byId("map-frame").dataset.zoom = (this.frame.scale / this.frame.least).toFixed(2);
    this.isMoving = true;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.isMoving = false;
      this.drawSoon();
    }, SETTLED);
    this.showTip();
    this.drawSoon();
  }

  /** The data were changed: pictures and words are read anew. */
  forgetContents() {
    this.pictures.forget();
    this.drawOverSoon();
  }

  /* Pointing ----------------------------------------------------------------------------------- */

  /** The point at a place in pixels, or the picture that lies there; null for none. */
  rankAt(x, y) {
    const [across, down] = this.pictures.reach;
    const picture = this.placed?.find(
      (one) => Math.abs(one.x - x) < across && Math.abs(one.y - y) < down,
    );
    if (picture) {
      return picture.rank;
    }
    const reach = REACH / this.frame.scale;
    const found = this.grid.nearest(...this.frame.placeAt(x, y), reach, (rank) => this.looks.counts(rank));
    return found < 0 ? null : found;
  }

  pointTo(rank) {
    if (this.current === rank) {
      return;
    }
    this.current = rank;
    this.showTip();
    this.drawOverSoon();
  }

  get currentIndex() {
    return this.current === null ? null : this.points.index[this.current];
  }

  showTip() {
    const { points, current, frame } = this;
    const place = current === null ? null : frame.pixelOf(points.xs[current], points.ys[current]);
    if (place && frame.isInView(...place)) {
      this.tip.show(this.currentIndex, place);
    } else {
      this.tip.hide();
    }
  }

  /** The next point in a direction, sought in ever larger boxes around one. */
  neighborOf(from, direction) {
    const { points, grid, frame } = this;
    const place = (rank) => ({
      rank,
      x: points.xs[rank] * frame.scale,
      y: points.ys[rank] * frame.scale,
    });
    for (let reach = 40 / frame.scale; reach < 4; reach *= 2) {
      const box = {
        left: points.xs[from] - reach,
        right: points.xs[from] + reach,
        top: points.ys[from] - reach,
        bottom: points.ys[from] + reach,
      };
      const some = grid
        .within(box, MOST_NEAR)
        .filter((rank) => this.looks.counts(rank))
        .map(place);
      const next = neighborOf(some, place(from), direction);
      if (next.rank !== from) {
        return next.rank;
      }
    }
    return from;
  }
}
