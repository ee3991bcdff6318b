// Draws the map: a dot for each listing in the colour of its category, and pictures where there is room.

import { pictureAddress } from "./api.js";
import { inSight, pictured } from "./camera.js";

const CELL_PIXELS = 84;
const PICTURE_PIXELS = 52;
const MOST_PICTURES = 400; // kept; the longest unseen go first
const MOST_LOADING = 8;

export class MapDrawing {
  constructor(canvas, onPicture) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.onPicture = onPicture;
    this.pictures = new Map(); // product id -> Image
    this.waiting = [];
    this.loading = 0;
  }

  /** Draws points as a camera sees them; `chosen` = the one category that is bright, or null; `marked` = a point. */
  draw(points, camera, { colourOf, chosen, marked, crosshair }) {
    const { context } = this;
    const density = devicePixelRatio || 1;
    this.canvas.width = Math.round(camera.width * density);
    this.canvas.height = Math.round(camera.height * density);
    context.setTransform(density, 0, 0, density, 0, 0);
    const style = getComputedStyle(this.canvas);
    const seen = inSight(points, camera, PICTURE_PIXELS);
    const bright = chosen === null ? seen : seen.filter((point) => point.group === chosen);
    const near = camera.scale / camera.fitted;
    const radius = Math.min(7, 2.1 + 0.9 * Math.log2(Math.max(1, near)));
    if (chosen !== null) this.dots(seen.filter((point) => point.group !== chosen), camera, radius * 0.8, () => style.getPropertyValue("--line"), 0.55);
    this.dots(bright, camera, radius, colourOf, 0.85);
    this.waiting = [];
    const shown = pictured(bright, camera, CELL_PIXELS);
    for (const point of shown) this.picture(point, camera, colourOf(point.group));
    if (marked) this.ring(marked, camera, style);
    if (crosshair) this.cross(camera, style);
    this.loadMore();
  }

  dots(points, camera, radius, colourOf, alpha) {
    const { context } = this;
    const byGroup = Map.groupBy ? Map.groupBy(points, (point) => point.group) : grouped(points);
    context.globalAlpha = alpha;
    for (const [group, members] of byGroup) {
      context.fillStyle = colourOf(group);
      context.beginPath();
      for (const { x, y } of members) {
        const [left, top] = camera.toScreen(x, y);
        context.moveTo(left + radius, top);
        context.arc(left, top, radius, 0, 2 * Math.PI);
      }
      context.fill();
    }
    context.globalAlpha = 1;
  }

  picture(point, camera, colour) {
    const image = this.pictures.get(point.product_id);
    if (!image) return void this.waiting.push(point);
    this.pictures.delete(point.product_id); // to the end: seen last
    this.pictures.set(point.product_id, image);
    if (!image.complete || !image.naturalWidth) return;
    const { context } = this;
    const [left, top] = camera.toScreen(point.x, point.y);
    const half = PICTURE_PIXELS / 2;
    context.save();
    context.beginPath();
    context.roundRect(left - half, top - half, PICTURE_PIXELS, PICTURE_PIXELS, 10);
    context.fillStyle = "#fff"; // pictures of products are made for white
    context.fill();
    context.save();
    context.clip();
    const share = Math.min(PICTURE_PIXELS / image.naturalWidth, PICTURE_PIXELS / image.naturalHeight);
    const [width, height] = [image.naturalWidth * share, image.naturalHeight * share];
    context.drawImage(image, left - width / 2, top - height / 2, width, height);
    context.restore();
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.stroke();
    context.restore();
  }

  ring({ x, y }, camera, style) {
    const [left, top] = camera.toScreen(x, y);
    this.context.beginPath();
    this.context.arc(left, top, 11, 0, 2 * Math.PI);
    this.context.lineWidth = 3;
    this.context.strokeStyle = style.getPropertyValue("--ink");
    this.context.stroke();
  }

  cross(camera, style) {
    const [left, top] = [camera.width / 2, camera.height / 2];
    const { context } = this;
    context.beginPath();
    for (const [right, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(left + 16 * right, top + 16 * down);
      context.lineTo(left + 26 * right, top + 26 * down);
    }
    context.lineWidth = 2;
    context.strokeStyle = style.getPropertyValue("--ink");
    context.stroke();
  }

  loadMore() {
    while (this.loading < MOST_LOADING && this.waiting.length) {
      const point = this.waiting.shift();
      if (this.pictures.has(point.product_id)) continue;
      const image = new Image();
      const ended = () => {
        this.loading -= 1;
        this.onPicture();
      };
      image.addEventListener("load", ended);
      image.addEventListener("error", ended);
      this.loading += 1;
      this.pictures.set(point.product_id, image);
      image.src = pictureAddress(point.product_id);
    }
    for (const id of this.pictures.keys()) {
      if (this.pictures.size <= MOST_PICTURES) break;
      this.pictures.delete(id);
    }
  }
}

function grouped(points) {
  const groups = new Map();
  for (const point of points) {
    if (!groups.has(point.group)) groups.set(point.group, []);
    groups.get(point.group).push(point);
  }
  return groups;
}
