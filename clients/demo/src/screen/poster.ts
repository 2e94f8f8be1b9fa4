import { svgElement } from '../dom.js';

const WIDTH = 320;
const HEIGHT = 180;
let gradients = 0;

/** Returns a picture for a show, generated from its id. The page loads no pictures from other hosts. */
export function poster(showId: string): SVGElement {
  const random = createRandom(showId);
  const hue = Math.floor(random() * 360);
  const name = `sky-${(gradients += 1)}`;
  const sky = svgElement(
    'linearGradient',
    { id: name, x1: '0', y1: '0', x2: '0', y2: '1' },
    gradientStop('0', `hsl(${hue} 58% 17%)`),
    gradientStop('0.62', `hsl(${(hue + 30) % 360} 66% 40%)`),
    gradientStop('1', `hsl(${(hue + 55) % 360} 85% 64%)`),
  );
  const frame = { width: String(WIDTH), height: String(HEIGHT) };
  const sun = svgElement('circle', {
    cx: String(60 + random() * 200),
    cy: String(40 + random() * 60),
    r: String(14 + random() * 22),
    fill: `hsl(${(hue + 60) % 360} 95% 86%)`,
    opacity: '1',
  });
  const ridges = [0, 1, 2].map((depth) =>
    ridge(random, depth, `hsl(${(hue + 12) % 360} ${40 - depth * 6}% ${24 - depth * 8}%)`),
  );
  return svgElement(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'xMidYMid slice',
      class: 'poster',
      'aria-hidden': 'true',
    },
    svgElement('defs', {}, sky),
    svgElement('rect', { ...frame, fill: `url(#${name})` }),
    sun,
    ...ridges,
  );
}

/** Returns a row of hills or roofs. It is wider than the picture, so that it can drift. */
function ridge(random: () => number, depth: number, colour: string): SVGElement {
  const base = 96 + depth * 26;
  const roofs = random() < 0.35;
  const points: string[] = [];
  for (let x = -40; x <= WIDTH * 2 + 40; x += roofs ? 18 : 44) {
    const y = base - random() * (46 - depth * 10);
    points.push(roofs ? `L${x} ${y} L${x + 18} ${y}` : `Q${x - 22} ${y - 14} ${x} ${y}`);
  }
  const path = `M-60 ${base} ${points.join(' ')} L${WIDTH * 2 + 60} ${HEIGHT + 10} L-60 ${HEIGHT + 10} Z`;
  return svgElement('path', { d: path, fill: colour, class: `ridge ridge-${depth}` });
}

const gradientStop = (offset: string, colour: string): SVGElement =>
  svgElement('stop', { offset, 'stop-color': colour });

/** Returns a generator of numbers from 0 to 1 that depend only on the text (seeded with FNV-1a). */
function createRandom(text: string): () => number {
  let state = 2_166_136_261;
  for (const letter of text) state = Math.imul(state ^ letter.charCodeAt(0), 16_777_619);
  return () => {
    state =
      Math.imul(state ^ (state >>> 15), 2_246_822_519) ^ Math.imul(state ^ (state >>> 13), 3_266_489_917);
    return ((state ^ (state >>> 16)) >>> 0) / 4_294_967_296;
  };
}
