export type Labels = Readonly<Record<string, string>>;

/** Something that `/metrics` shows; https://prometheus.io/docs/instrumenting/exposition_formats/. */
interface Metric {
  render(): string;
}

function labelText(labels: Labels, extra: Labels = {}): string {
  const words = Object.entries({ ...labels, ...extra }).map(
    ([name, value]) =>
      `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return words.length === 0 ? '' : `{${words.join(',')}}`;
}

/** Series of a metric by their labels; the labels come from fixed sets, so that clients cannot make new ones. */
class Series<Value> {
  readonly #values = new Map<string, { readonly labels: Labels; readonly value: Value }>();
  readonly #start: () => Value;

  constructor(start: () => Value) {
    this.#start = start;
  }

  of(labels: Labels): { value: Value } {
    const key = Object.values(labels).join('\0');
    let found = this.#values.get(key);
    if (found === undefined) {
      found = { labels, value: this.#start() };
      this.#values.set(key, found);
    }
    return found;
  }

  all() {
    return this.#values.values();
  }
}

export class Counter implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #series = new Series(() => 0);

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels, count = 1): void {
    this.#series.of(labels).value += count;
  }

  render(): string {
    const lines = [...this.#series.all()].map(
      ({ labels, value }) => `${this.#name}${labelText(labels)} ${value}\n`,
    );
    return `# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} counter\n${lines.join('')}`;
  }
}

/** A value that is asked for when it is shown. */
export class Gauge implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #read: () => readonly (readonly [Labels, number])[];

  constructor(name: string, help: string, read: () => readonly (readonly [Labels, number])[]) {
    this.#name = name;
    this.#help = help;
    this.#read = read;
  }

  render(): string {
    const lines = this.#read().map(([labels, value]) => `${this.#name}${labelText(labels)} ${value}\n`);
    return `# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} gauge\n${lines.join('')}`;
  }
}

interface Distribution {
  readonly counts: number[];
  count: number;
  sum: number;
}

export class Histogram implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series: Series<Distribution>;

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#series = new Series(() => ({ counts: bounds.map(() => 0), count: 0, sum: 0 }));
  }

  observe(labels: Labels, value: number): void {
    const { value: distribution } = this.#series.of(labels);
    const index = this.#bounds.findIndex(bound => value <= bound);
    if (index >= 0) distribution.counts[index] = (distribution.counts[index] ?? 0) + 1;
    distribution.count++;
    distribution.sum += value;
  }

  render(): string {
    const lines = [...this.#series.all()].map(({ labels, value }) => this.#renderOne(labels, value));
    return `# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} histogram\n${lines.join('')}`;
  }

  #renderOne(labels: Labels, { counts, count, sum }: Distribution): string {
    let total = 0;
    const buckets = this.#bounds.map((bound, index) => {
      total += counts[index] ?? 0;
      return `${this.#name}_bucket${labelText(labels, { le: String(bound) })} ${total}\n`;
    });
    const all = `${this.#name}_bucket${labelText(labels, { le: '+Inf' })} ${count}\n`;
    const totals = `${this.#name}_sum${labelText(labels)} ${sum}\n${this.#name}_count${labelText(labels)} ${count}\n`;
    return buckets.join('') + all + totals;
  }
}

export function renderMetrics(metrics: readonly Metric[]): string {
  return metrics.map(metric => metric.render()).join('');
}
