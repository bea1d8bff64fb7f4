// How classes of a hazard map look: the patterns, their swatches in a legend, and which shapes a zoom needs.
// The names of patterns and the levels are the service's (hazard_colours.py, geodata/map_layers.py).
const LEVELS = [10, 12, 14, 16];
const SIZE = 16;
const INK = "rgb(20 20 24 / 0.9)";

export const levelOf = (zoom) => LEVELS.find((one) => one >= zoom) ?? LEVELS.at(-1);

const strokes = {
  none: [],
  dots: [],
  lines: [1],
  dense_lines: [1, 9],
  cross: [1],
  dense_cross: [1, 9],
};

function draw(context, pattern) {
  context.strokeStyle = context.fillStyle = INK;
  context.lineWidth = 1.1;
  if (pattern === "dots") context.fillRect(6, 6, 3, 3);
  for (const at of strokes[pattern] ?? []) {
    line(context, at - SIZE, SIZE, at + SIZE, -SIZE);
    line(context, at, SIZE, at + SIZE, 0);
    line(context, at - SIZE, SIZE, at, 0);
    if (pattern.endsWith("cross")) {
      line(context, at, 0, at + SIZE, SIZE);
      line(context, at - SIZE, 0, at, SIZE);
    }
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function tile(pattern) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  draw(canvas.getContext("2d"), pattern);
  return canvas;
}

/** The pattern as a picture that repeats without a seam. */
export const lookImage = (pattern) => tile(pattern).getContext("2d").getImageData(0, 0, SIZE, SIZE);

/** Colour and pattern as they are on the map; the words stand beside it. */
export function swatch(colour, pattern) {
  const canvas = document.createElement("canvas");
  canvas.width = 40;
  canvas.height = 24;
  canvas.className = "swatch";
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.5;
  context.fillStyle = context.createPattern(tile(pattern), "repeat");
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}
