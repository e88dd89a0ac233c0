/** The chart: a panel per way of asking, a bar per contestant. SVG by hand, with a background of its own, for any page. */
import type { WaySummary } from './summary.js';

const layout = { width: 860, label: 250, value: 250, bar: 18, gap: 8, title: 44, margin: 20 };
const colors = { ink: '#1f2933', quiet: '#616e7c', paper: '#ffffff', ours: '#2f6fde', other: '#b8c4d2' };
const font = 'font-family="system-ui, sans-serif"';

export function renderChart(ways: WaySummary[], caption: string): string {
  const panels: string[] = [];
  let top = layout.margin;
  for (const way of ways) {
    panels.push(renderPanel(way, top));
    top += layout.title + way.contestants.length * (layout.bar + layout.gap) + layout.margin;
  }
  const height = top + layout.margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" width="${layout.width}" height="${height}" role="img" ${font}>`,
    '<title>Requests per second beside other servers</title>',
    `<rect width="${layout.width}" height="${height}" fill="${colors.paper}"/>`,
    ...panels,
    `<text x="${layout.margin}" y="${height - layout.margin / 2}" font-size="11" fill="${colors.quiet}">${escapeText(caption)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function renderPanel(way: WaySummary, top: number): string {
  const most = Math.max(...way.contestants.map(({ requestsPerSecond }) => requestsPerSecond));
  const room = layout.width - layout.label - layout.value - layout.margin;
  const rows = way.contestants.map((one, at) => {
    const y = top + layout.title + at * (layout.bar + layout.gap);
    const width = Math.max(1, (one.requestsPerSecond / most) * room).toFixed(1);
    const isOurs = one.name.startsWith('gateway');
    const weight = isOurs ? ' font-weight="600"' : '';
    const middle = y + layout.bar - 4;
    const rate = Math.round(one.requestsPerSecond).toLocaleString('en');
    const details = [
      one.ratios.bare && `${one.ratios.bare.toFixed(2)} of bare`,
      one.cpuUs !== undefined && `${Math.round(one.cpuUs)} µs CPU`,
      `p99 ${one.p99Ms.toFixed(1)} ms`,
    ].filter(Boolean);
    return [
      `<text x="${layout.label - 8}" y="${middle}" font-size="13" text-anchor="end" fill="${colors.ink}"${weight}>${escapeText(one.title)}</text>`,
      `<rect x="${layout.label}" y="${y}" width="${width}" height="${layout.bar}" rx="2" fill="${isOurs ? colors.ours : colors.other}"/>`,
      `<text x="${layout.label + Number(width) + 6}" y="${middle}" font-size="12" fill="${colors.ink}"${weight}>${rate}/s <tspan fill="${colors.quiet}" font-weight="400" font-size="11">${escapeText(details.join(', '))}</tspan></text>`,
    ].join('\n');
  });
  return [
    `<text x="${layout.margin}" y="${top + 24}" font-size="15" font-weight="600" fill="${colors.ink}">Requests per second: ${escapeText(way.title)}</text>`,
    ...rows,
  ].join('\n');
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
