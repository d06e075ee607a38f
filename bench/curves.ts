export type Curve = { name: string; ys: number[]; isDashed?: boolean };

const width = 720;
const height = 420;
const room = { left: 64, right: 150, top: 20, bottom: 48 };
const colours = ['#1b6ca8', '#c8553d', '#4f772d', '#6d597a'];

/** A picture (SVG) of curves over the same values, which are spread evenly; a dashed one has the colour before it. */
export function drawCurves(xs: number[], curves: Curve[], names: { x: string; y: string }): string {
  const step = roundUp(Math.max(...curves.flatMap(({ ys }) => ys)) / 5);
  const top = step * Math.ceil(Math.max(...curves.flatMap(({ ys }) => ys)) / step);
  const toX = (at: number) =>
    room.left + (at * (width - room.left - room.right)) / Math.max(1, xs.length - 1);
  const toY = (value: number) =>
    height - room.bottom - (value * (height - room.top - room.bottom)) / top;
  const parts = Array.from({ length: Math.round(top / step) + 1 }, (_, line) => {
    const y = toY(line * step);
    return `<path d="M${room.left} ${y}H${width - room.right}" stroke="#ddd"/>${text(room.left - 8, y + 4, String(line * step), 'end')}`;
  });
  for (const [at, x] of xs.entries())
    parts.push(text(toX(at), height - room.bottom + 18, String(x), 'middle'));
  parts.push(text((room.left + width - room.right) / 2, height - 8, names.x, 'middle'));
  const middle = (height - room.bottom + room.top) / 2;
  parts.push(`<g transform="rotate(-90 14 ${middle})">${text(14, middle, names.y, 'middle')}</g>`);
  let colour = -1;
  for (const { name, ys, isDashed } of curves) {
    if (!isDashed) colour += 1;
    const stroke = colours[colour % colours.length] ?? '#000';
    const points = ys.map((y, at) => `${round(toX(at))},${round(toY(y))}`).join(' ');
    const dashes = isDashed ? ' stroke-dasharray="6 4"' : '';
    parts.push(
      `<polyline points="${points}" fill="none" stroke="${stroke}" stroke-width="2"${dashes}/>`,
    );
    const last = toY(ys.at(-1) ?? 0) + 4;
    parts.push(text(width - room.right + 8, last, name, 'start', stroke));
  }
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">
<title>${names.y}, by ${names.x}</title>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

function text(x: number, y: number, words: string, anchor: string, fill = '#444'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${fill}">${words}</text>`;
}

const round = (value: number) => Math.round(value * 10) / 10;

/** To 1, 2 or 5 and noughts. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((each) => each * power >= value) ?? 10) * power;
}
