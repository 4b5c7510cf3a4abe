/** The program of the page that `image explore --html` writes. Text goes in as text nodes alone. */
export const explorePageScript = `
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const byId = id => document.getElementById(id);
const make = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const bytes = size => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (size >= 999.5 && unit < 4) { size /= 1000; unit++; }
  return (unit === 0 ? size : Number(size.toPrecision(3))) + ' ' + units[unit];
};
const percent = (part, whole) => (whole === 0 ? 0 : Math.round((1000 * part) / whole) / 10) + ' %';
// The golden angle: neighbours differ, however many there are.
const colour = layer => layer === 0 ? '#a9b1bd' : 'hsl(' + ((layer * 137.5 + 70) % 360) + ' 58% 68%)';
const all = data.content + data.waste;
const layerOf = number => data.layers[number - 1];
let at = [data.tree];
let chosen = 0;
let wanted = '';

for (const [value, label, bad] of [
  [bytes(data.content), 'in files'],
  [String(data.layers.length), data.layers.length === 1 ? 'layer' : 'layers'],
  [bytes(data.waste), 'wasted', data.waste > 0],
  [percent(data.content, all), 'of what is stored is seen'],
]) {
  const fact = make('div', 'fact');
  fact.append(make('b', bad ? 'bad' : '', value), make('span', '', label));
  byId('facts').append(fact);
}

const largest = Math.max(1, ...data.layers.map(layer => layer.content));
for (const layer of data.layers.toReversed()) {
  const item = make('li');
  item.style.borderColor = colour(layer.number);
  const button = make('button');
  button.type = 'button';
  button.setAttribute('aria-pressed', 'false');
  button.dataset.layer = layer.number;
  button.title = layer.createdBy + '\\n' + layer.digest;
  const more = make('span', 'more');
  const count = layer.files + (layer.files === 1 ? ' file' : ' files');
  more.append(make('span', '', count + ', ' + bytes(layer.content)));
  if (layer.waste > 0) more.append(make('span', 'bad', bytes(layer.waste) + ' wasted'));
  const bar = make('span', 'bar');
  for (const [part, shade] of [[layer.content - layer.waste, colour(layer.number)], [layer.waste, '']]) {
    const piece = make('i');
    piece.style.width = (100 * part) / largest + '%';
    if (shade) piece.style.background = shade;
    bar.append(piece);
  }
  button.append(make('span', 'step', layer.number + '  ' + (layer.createdBy || layer.digest.slice(7, 19))), more, bar);
  button.onclick = () => {
    chosen = chosen === layer.number ? 0 : layer.number;
    for (const other of document.querySelectorAll('#layers button')) {
      other.setAttribute('aria-pressed', String(Number(other.dataset.layer) === chosen));
    }
    draw();
  };
  item.append(button);
  byId('layers').append(item);
}

/** Rows as square as can be: Bruls, Huizing, van Wijk, "Squarified Treemaps". */
function squares(nodes, box) {
  const placed = [];
  const rest = nodes.filter(node => node.s > 0).sort((a, b) => b.s - a.s);
  let { x, y, w, h } = box;
  let left = rest.reduce((sum, node) => sum + node.s, 0);
  const worst = (sum, min, max, side, area) => {
    const s = sum * area;
    return Math.max((side * side * max * area) / (s * s), (s * s) / (side * side * min * area));
  };
  for (let start = 0; start < rest.length && w > 0 && h > 0; ) {
    const side = Math.min(w, h);
    const area = (w * h) / left;
    let sum = rest[start].s;
    let end = start + 1;
    while (end < rest.length) {
      const max = rest[start].s;
      const next = sum + rest[end].s;
      if (worst(next, rest[end].s, max, side, area) > worst(sum, rest[end - 1].s, max, side, area)) break;
      sum = next;
      end++;
    }
    const thick = (sum * area) / side;
    let along = 0;
    for (const node of rest.slice(start, end)) {
      const long = (node.s / sum) * side;
      placed.push([node, w >= h ? { x, y: y + along, w: thick, h: long } : { x: x + along, y, w: long, h: thick }]);
      along += long;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
    left -= sum;
    start = end;
  }
  return placed;
}

const lowerName = path => path.toLowerCase();
function has(node, path) {
  const mine = (chosen === 0 || node.l === chosen) && (wanted === '' || lowerName(path).includes(wanted));
  return mine && !node.c ? true : (node.c ?? []).some(child => has(child, path + '/' + child.n));
}

function tile(node, box, path, parents) {
  const made = make('div', 'tile' + (node.c ? ' folder' : ''));
  Object.assign(made.style, { left: box.x + 'px', top: box.y + 'px', width: box.w + 'px', height: box.h + 'px' });
  if (!node.c) made.style.background = colour(node.l);
  if ((chosen !== 0 || wanted !== '') && !has(node, path)) made.classList.add('faint');
  if (box.w > 26 && box.h > 15) made.textContent = node.n + (node.c ? '/' : '');
  made.dataset.path = path;
  const words = path + (node.c ? '/' : '') + '  ' + bytes(node.s);
  made.setAttribute('aria-label', words);
  if (node.c) {
    made.tabIndex = 0;
    made.setAttribute('role', 'button');
    const open = () => { at = [...parents, node]; draw(); };
    made.onclick = open;
    made.onkeydown = event => { if (event.key === 'Enter') open(); };
  }
  made.onmousemove = event => {
    const step = node.c ? '' : node.l === 0 ? '\\nof several layers' : '\\nlayer ' + node.l + '  ' + (layerOf(node.l)?.createdBy ?? '').slice(0, 160);
    const tip = byId('tip');
    tip.style.whiteSpace = 'pre-line';
    tip.textContent = words + step;
    tip.hidden = false;
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)) + 'px';
    tip.style.top = Math.max(4, Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8)) + 'px';
  };
  byId('map').append(made);
}

function lay(node, box, path, parents) {
  for (const [child, room] of squares(node.c, box)) {
    if (room.w < 2 || room.h < 2) continue;
    const childPath = path + '/' + child.n;
    tile(child, room, childPath, parents);
    if (child.c && room.w > 30 && room.h > 30) {
      const inside = { x: room.x + 3, y: room.y + 17, w: room.w - 6, h: room.h - 20 };
      lay(child, inside, childPath, [...parents, child]);
    }
  }
}

function draw() {
  const map = byId('map');
  map.replaceChildren();
  byId('tip').hidden = true;
  const folder = at.at(-1);
  const path = at.slice(1).map(node => '/' + node.n).join('');
  lay(folder, { x: 0, y: 0, w: map.clientWidth, h: map.clientHeight }, path, at);
  byId('path').replaceChildren(...at.flatMap((node, index) => {
    const button = make('button', '', index === 0 ? data.name : node.n);
    button.type = 'button';
    button.onclick = () => { at = at.slice(0, index + 1); draw(); };
    return index === 0 ? [button] : [document.createTextNode(' / '), button];
  }), make('small', '', bytes(folder.s)));
  byId('hint').textContent = chosen === 0
    ? 'A tile is a file, as large as its content; its colour is that of its layer. Click a folder to go in.'
    : 'Layer ' + chosen + ': ' + (layerOf(chosen).createdBy || layerOf(chosen).digest);
}

byId('map').onmouseleave = () => { byId('tip').hidden = true; };
byId('find').oninput = event => { wanted = lowerName(event.target.value.trim()); draw(); };
addEventListener('resize', draw);

const rows = document.querySelector('#waste tbody');
for (const file of data.wasted) {
  const row = make('tr');
  for (const text of [bytes(file.size), file.path, file.layer, file.hiddenBy]) row.append(make('td', '', String(text)));
  rows.append(row);
}
if (data.wastedCount > data.wasted.length || data.wasted.length === 0) {
  const row = make('tr');
  const cell = make('td', '', data.wasted.length === 0 ? 'Nothing: every file of every layer is seen.' : 'and ' + (data.wastedCount - data.wasted.length) + ' smaller ones');
  cell.colSpan = 4;
  row.append(cell);
  rows.append(row);
}
draw();
`;
