// Where one looks at the map from: plain numbers, no drawing.

const MOST_ZOOM = 400;

/** A camera over points that lie within -1..1; `scale` is pixels a unit. */
export class Camera {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.width = 1;
    this.height = 1;
    this.scale = 1;
  }

  get fitted() {
    return 0.46 * Math.min(this.width, this.height);
  }

  /** Everything in sight. */
  whole() {
    return { x: 0, y: 0, scale: this.fitted };
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
  }

  toWorld(left, top) {
    return [(left - this.width / 2) / this.scale + this.x, (top - this.height / 2) / this.scale + this.y];
  }

  resize(width, height) {
    const share = this.scale / this.fitted; // as much of the map as before
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.scale = share * this.fitted;
  }

  pan(right, down) {
    this.x = clamp(this.x - right / this.scale, -1.2, 1.2);
    this.y = clamp(this.y - down / this.scale, -1.2, 1.2);
  }

  /** Zooms by a factor, keeping what is under (left, top) there. */
  zoom(factor, left = this.width / 2, top = this.height / 2) {
    const [x, y] = this.toWorld(left, top);
    this.scale = clamp(this.scale * factor, 0.6 * this.fitted, MOST_ZOOM * this.fitted);
    const [nowLeft, nowTop] = this.toScreen(x, y);
    this.pan(left - nowLeft, top - nowTop);
  }

  /** The step between two cameras at a share of 0..1 of the way; zoom goes evenly in its logarithm. */
  between(from, to, share) {
    const eased = share < 0.5 ? 2 * share * share : 1 - 2 * (1 - share) ** 2;
    this.scale = from.scale * (to.scale / from.scale) ** eased;
    this.x = from.x + (to.x - from.x) * eased;
    this.y = from.y + (to.y - from.y) * eased;
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** The points that have a picture on the map: one a cell of a grid that stays where it is while one pans. */
export function pictured(points, camera, cellPixels) {
  const cell = cellPixels / 2 ** Math.round(Math.log2(camera.scale)); // jumps by doubling: pictures stay while one zooms a little
  const best = new Map();
  for (const point of points) {
    const key = `${Math.floor(point.x / cell)},${Math.floor(point.y / cell)}`;
    if (!best.has(key)) best.set(key, point);
  }
  return [...best.values()];
}

/** The points in sight, and a margin around. */
export function inSight(points, camera, margin = 0) {
  const [left, top] = camera.toWorld(-margin, -margin);
  const [right, bottom] = camera.toWorld(camera.width + margin, camera.height + margin);
  return points.filter(({ x, y }) => x >= left && x <= right && y >= top && y <= bottom);
}

/** The point nearest to a place on the screen, if one is within so many pixels. */
export function nearest(points, camera, left, top, withinPixels = Infinity) {
  const [x, y] = camera.toWorld(left, top);
  let found = null;
  let least = (withinPixels / camera.scale) ** 2;
  for (const point of points) {
    const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
    if (distance < least) [found, least] = [point, distance];
  }
  return found;
}
