import { wrongLabelValue, wrongQualifiedName } from './names.ts';
import { badRequest } from './status.ts';

/** What a label selector asks of one label. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'exists' | '!' | 'in' | 'notin' | '>' | '<';
  readonly values: readonly string[];
}

const tokenPattern = /[^\s=!(),<>]+|==|!=|[=!(),<>]/g;
const isWord = (token: string) => /^[^\s=!(),<>]/.test(token);

/** The grammar of apimachinery pkg/labels/selector.go, Parser. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = text.match(tokenPattern) ?? [];
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(expected: string, accepts: (token: string) => boolean): string {
    const token = this.#peek();
    if (!accepts(token))
      throw badRequest(`unable to parse requirement: found '${token}', expected: ${expected}`);
    this.#at++;
    return token;
  }

  #key(): string {
    const key = this.#next('!, identifier', isWord);
    const [why] = wrongQualifiedName(key);
    if (why !== undefined) throw badRequest(`unable to parse requirement: ${JSON.stringify(key)}: ${why}`);
    return key;
  }

  /** Left out, it is the empty text. */
  #value(): string {
    const value = isWord(this.#peek()) ? this.#next('identifier', isWord) : '';
    const [why] = wrongLabelValue(value);
    if (why !== undefined) throw badRequest(`unable to parse requirement: ${JSON.stringify(value)}: ${why}`);
    return value;
  }

  #list(): readonly string[] {
    this.#next("'('", token => token === '(');
    const values = [this.#value()];
    while (this.#peek() === ',') {
      this.#at++;
      values.push(this.#value());
    }
    this.#next("',' or ')'", token => token === ')');
    return values;
  }

  #number(): string {
    const value = this.#value();
    if (/^[+-]?\d+$/.test(value)) return value;
    throw badRequest(
      `unable to parse requirement: ${JSON.stringify(value)}: for '>' and '<' the value must be an integer`,
    );
  }

  #requirement(): Requirement {
    if (this.#peek() === '!') {
      this.#at++;
      return { key: this.#key(), operator: '!', values: [] };
    }
    const key = this.#key();
    const operator = this.#peek();
    if (operator === '' || operator === ',') return { key, operator: 'exists', values: [] };
    this.#next('in, notin, =, ==, !=, gt, lt', token => /^(?:in|notin|==?|!=|[<>])$/.test(token));
    if (operator === 'in' || operator === 'notin') return { key, operator, values: this.#list() };
    if (operator === '<' || operator === '>') return { key, operator, values: [this.#number()] };
    return { key, operator: operator === '!=' ? 'notin' : 'in', values: [this.#value()] };
  }

  requirements(): readonly Requirement[] {
    const found: Requirement[] = [];
    if (this.#tokens.length === 0) return found;
    found.push(this.#requirement());
    while (this.#at < this.#tokens.length) {
      this.#next("',' or 'end of string'", token => token === ',');
      found.push(this.#requirement());
    }
    return found;
  }
}

/** @throws StatusError 400 */
export function parseLabelRequirements(text: string): readonly Requirement[] {
  return new Parser(text).requirements();
}
