/* Which part of a plane is seen: places from 0 to 1, in CSS pixels of a frame. */

const MARGIN = 22;
const BUTTONS = 40; // beside the margin, at the right
const CLOSEST = 400; // times as large as when all is seen

export class MapFrame {
  constructor() {
    this.width = 1;
    this.height = 1;
    this.extent = { right: 1, bottom: 1 };
    this.whole();
  }

  /** The frame has another size; what is in its middle stays there. */
  resize(width, height) {
    const isWhole = this.isWhole;
    const [x, y] = this.placeAt(this.width / 2, this.height / 2);
    const zoom = this.scale / this.least;
    this.width = width;
    this.height = height;
    if (isWhole) {
      this.whole();
    } else {
      this.scale = zoom * this.least;
      this.left = width / 2 - x * this.scale;
      this.top = height / 2 - y * this.scale;
    }
  }

  setExtent(right, bottom) {
    this.extent = { right, bottom };
    this.whole();
  }

  /** The scale at which all is seen. */
  get least() {
    return Math.max(
      Math.min(
        (this.width - 2 * MARGIN - BUTTONS) / Math.max(this.extent.right, 1e-6),
        (this.height - 2 * MARGIN) / Math.max(this.extent.bottom, 1e-6),
      ),
      1,
    );
  }

  get isWhole() {
    return this.scale === this.least;
  }

  whole() {
    this.scale = this.least;
    this.left = (this.width - BUTTONS - this.extent.right * this.scale) / 2;
    this.top = (this.height - this.extent.bottom * this.scale) / 2;
  }

  /** Enlarge around a point of the frame, which stays where it is. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const [placeX, placeY] = this.placeAt(x, y);
    const scale = Math.max(this.least, Math.min(this.scale * factor, CLOSEST * this.least));
    if (scale === this.least) {
      this.whole();
      return;
    }
    this.scale = scale;
    this.left = x - placeX * scale;
    this.top = y - placeY * scale;
    this.keepInSight();
  }

  move(right, down) {
    this.left += right;
    this.top += down;
    this.keepInSight();
  }

  /** Some of the points stay within the frame. */
  keepInSight() {
    const [right, bottom] = [this.extent.right * this.scale, this.extent.bottom * this.scale];
    this.left = Math.max(this.width / 3 - right, Math.min(this.left, (2 * this.width) / 3));
    this.top = Math.max(this.height / 3 - bottom, Math.min(this.top, (2 * this.height) / 3));
  }

  placeAt(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / this.scale];
  }

  pixelOf(placeX, placeY) {
    return [placeX * this.scale + this.left, placeY * this.scale + this.top];
  }

  isInView(x, y) {
    return x >= 0 && y >= 0 && x <= this.width && y <= this.height;
  }

  /** The box of places that is seen. */
  get box() {
    return this.boxWith(0);
  }

  /** The same with so many pixels around it. */
  boxWith(margin) {
    const [left, top] = this.placeAt(-margin, -margin);
    const [right, bottom] = this.placeAt(this.width + margin, this.height + margin);
    return { left, top, right, bottom };
  }
}
