/** The program of the page that `builder history --html` writes. It makes elements and sets texts; it parses no markup. */
export const historyPageScript = `
const data = JSON.parse(document.getElementById('data').textContent);
const at = id => document.getElementById(id);
const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};
const seconds = ms => ms < 1000 ? Math.round(ms) + ' ms' : ms < 99950 ? (ms / 1000).toFixed(1) + ' s'
  : Math.floor(ms / 60000) + ' min ' + String(Math.round(ms / 1000) % 60).padStart(2, '0') + ' s';
const size = bytes => bytes < 1000 ? bytes + ' B' : bytes < 1e6 ? (bytes / 1000).toFixed(1) + ' kB' : (bytes / 1e6).toFixed(1) + ' MB';
const { steps } = data;
const ran = steps.filter(step => step.start !== undefined);
const total = Math.max(1, data.duration, ...ran.map(step => step.end));

const about = [data.about.tags.join(', '), data.about.context, data.about.file, 'build ' + data.id, new Date(data.started).toLocaleString()];
at('about').textContent = about.filter(Boolean).join('  ·  ');
const work = ran.filter(step => step.state !== 'cached').reduce((sum, step) => sum + step.end - step.start, 0);
const facts = [
  [data.status, 'status', data.status === 'done' || data.status === 'running' ? '' : 'bad'],
  [seconds(data.duration), 'duration'],
  [steps.filter(step => step.state === 'cached').length + ' / ' + steps.length, 'steps from the cache'],
  [(work / total).toFixed(1), 'steps at once, on average'],
];
for (const [value, name, look] of facts) {
  const fact = make('div', 'fact');
  fact.append(make('b', look, value), make('span', '', name));
  at('facts').append(fact);
}
const problem = [data.error, ...data.warnings.map(text => 'warning: ' + text)].filter(Boolean).join('\\n');
if (problem) {
  at('error').textContent = problem;
  at('error').hidden = false;
}
const kinds = [['done', 'ran'], ['cached', 'cached'], ['failed', 'failed'], ['running', 'did not end']];
for (const [state, name] of kinds) {
  if (!steps.some(step => step.state === state)) continue;
  const entry = make('span');
  const mark = make('i');
  mark.style.background = 'var(--' + state + ')';
  entry.append(mark, name);
  at('legend').append(entry);
}
at('legend').append(make('span', '', 'outlined: what the build waited for; click a step to read its output'));

const pace = 10 ** Math.floor(Math.log10(total / 4));
const tick = [1, 2, 5, 10].map(factor => factor * pace).find(candidate => total / candidate <= 8);
at('timeline').style.setProperty('--tick', tick / total * 100 + '%');
for (let time = 0; time <= total * 0.97; time += tick) {
  const label = make('span', '', seconds(time));
  label.style.left = time / total * 100 + '%';
  at('axis').append(label);
}

const tip = at('tip');
const explain = (step, event) => {
  const lines = [step.name, step.start === undefined ? 'was not reached' : step.state === 'cached' ? 'cached' :
    seconds(step.end - step.start) + ', from ' + seconds(step.start) + ' to ' + seconds(step.end)];
  if (step.bytes) lines.push(size(step.bytes) + ' of output');
  tip.textContent = lines.join('\\n');
  tip.hidden = false;
  tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + 'px';
  tip.style.top = Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8) + 'px';
};
const open = (step, button) => {
  for (const other of document.querySelectorAll('li button')) other.setAttribute('aria-pressed', String(other === button));
  const log = at('log');
  log.hidden = false;
  log.querySelector('h2').textContent = step.name;
  const cut = step.output.length > 0 && step.bytes > new TextEncoder().encode(step.output).length + 4096;
  log.querySelector('p').textContent = step.bytes === 0 ? 'No output.'
    : size(step.bytes) + ' of output' + (cut ? ', its end here; all of it: hawser builder logs ' + data.id : '');
  const text = log.querySelector('pre');
  text.textContent = (step.error ? step.error.split('\\n')[0] + '\\n\\n' : '') + step.output;
  text.hidden = text.textContent === '';
  text.scrollTop = text.scrollHeight;
};
for (const step of steps) {
  const row = make('li', step.state + (step.critical ? ' critical' : ''));
  const button = make('button');
  button.setAttribute('aria-pressed', 'false');
  const track = make('span', 'track');
  if (step.start !== undefined) {
    const bar = make('span', 'bar');
    bar.style.left = 'min(' + step.start / total * 100 + '%, 100% - 3px)';
    bar.style.width = (step.end - step.start) / total * 100 + '%';
    const isLate = step.end / total > 0.88;
    const took = make('span', isLate ? 'took left' : 'took', step.state === 'cached' ? 'cached' : seconds(step.end - step.start));
    took.style.left = (isLate ? step.start : step.end) / total * 100 + '%';
    track.append(bar, took);
  }
  button.append(make('span', 'name', step.name), track);
  button.addEventListener('click', () => open(step, button));
  button.addEventListener('mousemove', event => explain(step, event));
  button.addEventListener('mouseleave', () => { tip.hidden = true; });
  row.append(button);
  at('steps').append(row);
}
`;
