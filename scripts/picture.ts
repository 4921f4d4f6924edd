/** Makes docs/demo.svg, the README's picture, of a real run of `postern demo`. Build first. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const columns = 100;
const fontPx = 13;
const linePx = 18.5;
const charPx = 7.83;
const marginPx = 22;
const barPx = 34;

/** The chapters that are shown: each from its first text to the line before the second. */
const excerpts = [
  ['Atlas begins to use new addresses', 'Atlas drops two addresses'],
  ['A poisoned answer', 'Later Atlas has really left'],
  ['Days later, nobody types', 'The incident of 11 August 2025'],
] as const;

const escapeCharacter = String.fromCharCode(27);
/** One style of the terminal, kept by `split`. */
const style = new RegExp(`(${escapeCharacter}\\[\\d+m)`);

const colors: Readonly<Record<string, string>> = {
  '31': '#ff7b72',
  '32': '#7ee787',
  '33': '#e3b341',
  '36': '#79c0ff',
};

const { stdout, status } = spawnSync(process.execPath, [join(root, 'dist/postern.js'), 'demo', '--fast'], {
  encoding: 'utf8',
  env: { ...process.env, FORCE_COLOR: '1' },
});
if (status !== 0) throw new Error(`the demo ended with ${status}`);
const lines = excerpt(stdout.split('\n')).flatMap(wrap);
const file = join(root, 'docs', 'demo.svg');
writeFileSync(file, draw(lines));
console.log(`${file}: ${lines.length} lines`);

function excerpt(all: readonly string[]): readonly string[] {
  return excerpts
    .flatMap(([from, to]) => {
      const [first, last] = [from, to].map(text => all.findIndex(line => line.includes(text)));
      if (first === -1 || last === -1) throw new Error(`the demo does not say: ${from}, or: ${to}`);
      return [...all.slice(first, last).join('\n').trim().split('\n'), ''];
    })
    .slice(0, -1);
}

/** Breaks a line that is too long; a style does not reach over the break, as none here is that long. */
function wrap(line: string): readonly string[] {
  const plain = stripVTControlCharacters(line);
  if (plain.length <= columns) return [line];
  const cut = line.lastIndexOf(' ', columns + (line.length - plain.length));
  return [line.slice(0, cut), ...wrap(`    ${line.slice(cut + 1)}`)];
}

function draw(all: readonly string[]): string {
  const width = Math.round(columns * charPx + 2 * marginPx);
  const height = Math.round(all.length * linePx + 2 * marginPx + barPx);
  const texts = all.map((line, index) => {
    const y = (barPx + marginPx + (index + 0.7) * linePx).toFixed(1);
    return `<text x="${marginPx}" y="${y}" xml:space="preserve">${spans(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A run of postern demo: new addresses are added at once, a poisoned answer removes nothing, a removal that Atlas does not confirm is put back, and the daemon notices a new address within seconds.">
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="#0d1117" stroke="#30363d"/>
<path d="M0.5 ${barPx}V10.5a10 10 0 0 1 10-10H${width - 10.5}a10 10 0 0 1 10 10V${barPx}z" fill="#161b22" stroke="#30363d"/>
${[20, 40, 60].map(x => `<circle cx="${x}" cy="${barPx / 2}" r="5.5" fill="#30363d"/>`).join('')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${fontPx}" fill="#c9d1d9">
${texts.join('\n')}
</g>
</svg>
`;
}

function spans(line: string): string {
  let open = '';
  let out = '';
  for (const part of line.split(style)) {
    const code = part.startsWith(escapeCharacter) ? part.slice(2, -1) : undefined;
    if (code === undefined) {
      if (part !== '') out += open === '' ? escapeXml(part) : `<tspan ${open}>${escapeXml(part)}</tspan>`;
    } else if (code === '1') open = 'font-weight="700" fill="#f0f6fc"';
    else if (code === '2') open = 'fill="#8b949e"';
    else open = colors[code] === undefined ? '' : `fill="${colors[code]}"`;
  }
  return out;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
