/* Drawing many points: by WebGL, a million in a frame; where there is none, some thousands. */

import { FEW, levelFor, thinned } from "/page/thinning.js";

const MOST_PLAIN = 20_000;
const MOST_COLORS = 32;
const SELECTED = 1;
const FADED = 2;
const DECIDED = 4;
export const STATES = { SELECTED, FADED, DECIDED };

const VERTEX = `#version 300 es
in vec2 place;
in uvec3 look; // color, shape, state
uniform vec2 size;
uniform vec3 view; // scale, left, top
uniform float diameter;
uniform float rim;
uniform float density;
flat out uvec3 seen;
flat out float across;
void main() {
  vec2 pixel = (place * view.x + view.yz) / size * 2.0 - 1.0;
  gl_Position = vec4(pixel.x, -pixel.y, 0.0, 1.0);
  bool isSelected = (look.z & 1u) != 0u;
  bool isFaded = (look.z & 2u) != 0u;
  across = (isSelected ? diameter + 2.0 * rim : isFaded ? max(diameter * 0.6, 1.5) : diameter) * density;
  gl_PointSize = across;
  seen = look;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
flat in uvec3 seen;
flat in float across;
uniform vec3 colors[${MOST_COLORS}];
uniform vec3 surface;
uniform vec3 accent;
uniform vec3 faded;
uniform float density;
uniform float rim;
out vec4 color;
float edge(vec2 at, uint shape) { // below 0 inside, 1 at the rim of the square
  if (shape == 1u) return (abs(at.x) + abs(at.y)) - 1.0;
  if (shape == 2u) return max(abs(at.x) * 1.1 + at.y * 0.55 - 0.45, -at.y - 0.85);
  if (shape == 3u) return max(abs(at.x), abs(at.y)) - 0.8;
  return length(at) - 0.9;
}
void main() {
  vec2 at = gl_PointCoord * 2.0 - 1.0;
  at.y = -at.y;
  bool isSelected = (seen.z & 1u) != 0u;
  bool isFaded = (seen.z & 2u) != 0u;
  bool isDecided = (seen.z & 4u) != 0u;
  float pixel = 2.0 / across;
  if (isSelected) {
    float out_of = length(at) - 1.0 + pixel;
    float inner = edge(at * across / (across - 2.0 * rim * density), seen.y);
    vec3 inside = mix(colors[seen.x], surface, smoothstep(-pixel, pixel, inner));
    float band = smoothstep(-pixel, pixel, length(at) - 1.0 + pixel + 0.7 * rim * density * pixel);
    float shown = 1.0 - smoothstep(-pixel, pixel, out_of);
    color = vec4(mix(inside, accent, band), 1.0) * shown;
    return;
  }
  float far = edge(at, seen.y);
  float shown = across < 4.0 ? 1.0 : 1.0 - smoothstep(-pixel, pixel, far);
  float border = across < 7.0 ? 0.0 : smoothstep(-3.0 * pixel, -1.0 * pixel, far);
  vec3 inside = isFaded ? faded : mix(colors[seen.x], surface, border);
  color = vec4(inside, 1.0) * shown * (isFaded ? 0.55 : isDecided ? 0.35 : 1.0);
}`;

/** A drawer of points on a canvas: WebGL where the browser has it. */
export function drawerOn(canvas) {
  const context = canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: false });
  return context ? new FastPoints(canvas, context) : new PlainPoints(canvas);
}

class FastPoints {
  constructor(canvas, context) {
    this.most = Infinity;
    this.canvas = canvas;
    this.gl = context;
    this.count = 0;
    this.build();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.build();
      if (this.places) {
        this.upload();
      }
      this.onRestored?.();
    });
  }

  build() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = (name) => gl.getUniformLocation(program, name);
    this.placeBuffer = gl.createBuffer();
    this.lookBuffer = gl.createBuffer();
    this.seenBuffer = gl.createBuffer();
    this.levels = new Map(); // buffers of the points that stand for all
    gl.bindBuffer(gl.ARRAY_BUFFER, this.placeBuffer);
    const place = gl.getAttribLocation(program, "place");
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.lookBuffer);
    const look = gl.getAttribLocation(program, "look");
    gl.enableVertexAttribArray(look);
    gl.vertexAttribIPointer(look, 3, gl.UNSIGNED_BYTE, 4, 0);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** The first points are drawn last, above the others. */
  setPoints({ xs, ys }) {
    this.count = xs.length;
    this.levels.forEach(({ buffer }) => this.gl.deleteBuffer(buffer));
    this.levels.clear();
    this.places = new Float32Array(2 * this.count);
    for (let i = 0; i < this.count; i += 1) {
      const place = 2 * (this.count - 1 - i);
      this.places[place] = xs[i];
      this.places[place + 1] = ys[i];
    }
    this.looks = new Uint32Array(this.count); // four bytes each
    this.upload();
  }

  setLooks(lookOf) {
    for (let i = 0; i < this.count; i += 1) {
      this.looks[this.count - 1 - i] = lookOf(i);
    }
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.lookBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, this.looks, gl.DYNAMIC_DRAW);
  }

  upload() {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.placeBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, this.places, gl.STATIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.lookBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, this.looks, gl.DYNAMIC_DRAW);
  }

  /** Draw the points, while the map is moved some of them; returns how many. */
  draw({ seen, isMoving, inView, ...how }) {
    const { gl } = this;
    this.prepare(how);
    if (this.count > FEW && seen <= FEW) {
      return this.drawSome(this.seenBuffer, this.numbersOf(inView()));
    }
    if (isMoving && seen > FEW) {
      const { buffer, length } = this.levelOf(levelFor(seen));
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
      gl.drawElements(gl.POINTS, length, gl.UNSIGNED_INT, 0);
      return length;
    }
    gl.drawArrays(gl.POINTS, 0, this.count);
    return this.count;
  }

  /** Where points lie in the buffers, the first ones last. */
  numbersOf(ranks) {
    return Uint32Array.from(ranks, (rank) => this.count - 1 - rank).reverse();
  }

  drawSome(buffer, numbers) {
    const { gl } = this;
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, numbers, gl.DYNAMIC_DRAW);
    gl.drawElements(gl.POINTS, numbers.length, gl.UNSIGNED_INT, 0);
    return numbers.length;
  }

  levelOf(level) {
    const { gl } = this;
    if (!this.levels.has(level)) {
      const numbers = thinned(this.count, level);
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, numbers, gl.STATIC_DRAW);
      this.levels.set(level, { buffer, length: numbers.length });
    }
    return this.levels.get(level);
  }

  prepare({ width, height, density, scale, left, top, diameter, colors, surface, accent, faded }) {
    const { gl } = this;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.at("size"), width, height);
    gl.uniform3f(this.at("view"), scale, left, top);
    gl.uniform1f(this.at("diameter"), diameter);
    gl.uniform1f(this.at("rim"), rimOf(diameter));
    gl.uniform1f(this.at("density"), density);
    gl.uniform3fv(this.at("colors"), colors.slice(0, MOST_COLORS).flatMap(asNumbers));
    gl.uniform3fv(this.at("surface"), asNumbers(surface));
    gl.uniform3fv(this.at("accent"), asNumbers(accent));
    gl.uniform3fv(this.at("faded"), asNumbers(faded));
  }
}

class PlainPoints {
  constructor(canvas) {
    this.most = MOST_PLAIN;
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  setPoints({ xs, ys }) {
    this.xs = xs;
    this.ys = ys;
  }

  setLooks(lookOf) {
    this.lookOf = lookOf;
  }

  draw({ density, scale, left, top, diameter, colors, surface, accent, faded, inView }) {
    const { pen } = this;
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.strokeStyle = surface;
    const some = inView(MOST_PLAIN).reverse();
    for (const i of some) {
      const look = this.lookOf(i);
      const [color, kind, state] = [look & 255, (look >> 8) & 255, look >> 16];
      const [x, y] = [this.xs[i] * scale + left, this.ys[i] * scale + top];
      const isFaded = state & FADED;
      pen.globalAlpha = isFaded ? 0.55 : state & DECIDED ? 0.35 : 1;
      pen.fillStyle = isFaded ? faded : colors[color];
      outline(pen, kind, x, y, (isFaded ? 0.6 : 1) * diameter * 0.5);
      pen.fill();
      if (diameter > 6) {
        pen.stroke();
      }
      pen.globalAlpha = 1;
      if (state & SELECTED) {
        ring(pen, x, y, diameter / 2 + rimOf(diameter), accent, 0.7 * rimOf(diameter));
      }
    }
    return some.length;
  }
}

function outline(pen, kind, x, y, radius) {
  pen.beginPath();
  if (kind === 0) {
    pen.arc(x, y, 0.9 * radius, 0, 2 * Math.PI);
    return;
  }
  const corners = {
    1: [[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]],
    2: [[0, -1.1], [1.05, 0.8], [-1.05, 0.8]],
    3: [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
  }[kind];
  corners.forEach(([right, down]) => pen.lineTo(x + right * radius, y + down * radius));
  pen.closePath();
}

export function ring(pen, x, y, radius, color, width) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.stroke();
}

/** How far what is selected reaches beyond its point, in pixels. */
const rimOf = (diameter) => Math.max(1.5, Math.min(0.4 * diameter, 3.5));

/** A color as #rrggbb in three numbers, 0 ... 1. */
function asNumbers(color) {
  return [1, 3, 5].map((place) => parseInt(color.slice(place, place + 2), 16) / 255);
}
