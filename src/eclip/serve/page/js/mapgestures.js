// Mouse, touch and keyboard on the map, told as movements of its camera.

const TAP_PIXELS = 6;
const KEY_STEP = 0.18; // of the map's width or height
const KEY_ZOOM = 1.5;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} does pan(right, down), zoom(factor, left, top), whole(), point(left, top), leave(), tap(left, top, byTouch), open()
 */
export function watchGestures(canvas, does) {
  const fingers = new Map(); // pointer id -> [left, top]
  let travelled = 0;
  const at = (event) => [event.offsetX, event.offsetY];

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (!fingers.size) travelled = 0;
    fingers.set(event.pointerId, at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    const now = at(event);
    if (!before) return does.point(...now);
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (others.length === 1) {
      const [other] = others;
      const factor = distance(now, other) / Math.max(1, distance(before, other));
      does.zoom(factor, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      does.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    } else if (!others.length && travelled > TAP_PIXELS) {
      does.pan(now[0] - before[0], now[1] - before[1]);
    }
    fingers.set(event.pointerId, now);
  });
  const lift = (event) => {
    const tapped = fingers.size === 1 && travelled <= TAP_PIXELS && event.type === "pointerup";
    fingers.delete(event.pointerId);
    if (tapped) does.tap(...at(event), event.pointerType !== "mouse");
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") does.leave(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    does.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), ...at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => keyed(event, canvas, does));
}

function keyed(event, canvas, does) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const [right, down] = [KEY_STEP * canvas.clientWidth, KEY_STEP * canvas.clientHeight];
  const moves = {
    ArrowLeft: () => does.pan(right, 0), ArrowRight: () => does.pan(-right, 0),
    ArrowUp: () => does.pan(0, down), ArrowDown: () => does.pan(0, -down),
    "+": () => does.zoom(KEY_ZOOM), "=": () => does.zoom(KEY_ZOOM), "-": () => does.zoom(1 / KEY_ZOOM),
    0: does.whole, Home: does.whole, Enter: does.open,
  };
  if (!(event.key in moves)) return;
  event.preventDefault();
  moves[event.key]();
  does.keyed();
}

const distance = ([left, top], [otherLeft, otherTop]) => Math.hypot(left - otherLeft, top - otherTop);
