import { parseCsv } from '../builder/dockerfile/csv.ts';
import { HawserError } from '../errors/hawser-error.ts';

/** The fields of a flag such as `type=local,dest=FOLDER`, each taken once; what nobody took is an error. */
export class FlagFields {
  readonly #values = new Map<string, string>();
  readonly #flag: { readonly name: string; readonly text: string; readonly remedy: string };

  /**
   * @param bare The key that a text without any `=` is the value of.
   * @throws HawserError INVALID_ARGUMENT
   */
  constructor(flag: {
    readonly name: string;
    readonly text: string;
    readonly remedy: string;
    readonly bare?: string;
  }) {
    this.#flag = flag;
    const fields = parseCsv(flag.text) ?? this.fail('a quote is not closed');
    if (flag.bare !== undefined && fields.length === 1 && !flag.text.includes('=')) {
      this.#values.set(flag.bare, fields[0] ?? '');
      return;
    }
    for (const field of fields) {
      const equals = field.indexOf('=');
      if (equals < 0) this.fail(`${JSON.stringify(field)} is not KEY=VALUE`);
      const key = field.slice(0, equals).trim();
      // Annotations have keys of their own, which have a case.
      this.#values.set(key.startsWith('annotation') ? key : key.toLowerCase(), field.slice(equals + 1));
    }
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  takeOne<Value extends string, Otherwise extends Value | undefined>(
    key: string,
    values: readonly Value[],
    otherwise: Otherwise,
  ): Value | Otherwise {
    const text = this.take(key);
    if (text === undefined) return otherwise;
    const found = values.find(value => value === text);
    return found ?? this.fail(`${key} must be one of ${values.join(', ')}, not ${JSON.stringify(text)}`);
  }

  /** Undefined where it is not given. */
  takeChoice(key: string): boolean | undefined {
    const text = this.takeOne(key, ['true', 'false', '1', '0'], undefined);
    return text === undefined ? undefined : text === 'true' || text === '1';
  }

  takeFlag(key: string): boolean {
    return this.takeChoice(key) === true;
  }

  takeNeeded(key: string): string {
    const value = this.take(key) ?? '';
    return value === '' ? this.fail(`it needs a ${key}`) : value;
  }

  takeNumber(key: string): number | undefined {
    const text = this.take(key);
    if (text === undefined) return undefined;
    return /^\d{1,9}$/.test(text) ? Number(text) : this.fail(`${key} is no number`);
  }

  /** All whose key begins so, with the rest of the key. */
  takeAll(prefix: string): readonly (readonly [rest: string, value: string])[] {
    const keys = [...this.#values.keys()].filter(key => key.startsWith(prefix));
    return keys.map(key => [key.slice(prefix.length), this.take(key) ?? '']);
  }

  end(): void {
    const [unknown] = this.#values.keys();
    if (unknown !== undefined) this.fail(`unknown field ${JSON.stringify(unknown)}`);
  }

  fail(why: string): never {
    const { name, text, remedy } = this.#flag;
    throw new HawserError('INVALID_ARGUMENT', `${name} ${JSON.stringify(text)}: ${why}`, { remedy });
  }
}
