/** One step of a symbolic `--chmod`. Bits are those of chmod(2). */
type ModeStep =
  | { readonly kind: 'set' | 'clear' | 'search'; readonly bits: number }
  /** The permissions of one class of users for others; `shifts` are 6, 3 and 0 for user, group and others. */
  | {
      readonly kind: 'copy';
      readonly from: number;
      readonly shifts: readonly number[];
      readonly how: '=' | '+' | '-';
    };

/** What `--chmod` does to a mode. Plain data. */
export type ModeChange =
  | { readonly octal: number }
  /** `chmod u=rwX,go-w`: what it makes depends on what it finds. */
  | { readonly steps: readonly ModeStep[] };

const classes = {
  u: { shift: 6, bits: 0o4700 },
  g: { shift: 3, bits: 0o2070 },
  o: { shift: 0, bits: 0o0007 },
};
const classOf = (letter: string) => classes[letter as keyof typeof classes];
/** For a clause that names no class; what BuildKit's daemon has. */
const umask = 0o022;
const standard = 0o6777;
const sticky = 0o1000;
const letters: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };

/**
 * `--chmod`: an octal number up to 07777, or clauses as of BSD's chmod(1), which BuildKit reads them with.
 *
 * @returns undefined where it is neither
 */
export function parseModeChange(text: string): ModeChange | undefined {
  if (/^[0-7]+$/.test(text)) {
    const octal = Number.parseInt(text, 8);
    return octal <= 0o7777 ? { octal } : undefined;
  }
  const steps: ModeStep[] = [];
  for (const clause of text.split(',')) {
    const match = /^([augo]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause);
    if (match === null) return undefined;
    const [, who = '', actions = ''] = match;
    for (const action of actions.match(/[-+=][rwxXstugo]*/g) ?? []) steps.push(...stepsOf(who, action));
  }
  return { steps };
}

function stepsOf(who: string, action: string): readonly ModeStep[] {
  const how = action[0] as '=' | '+' | '-';
  const named = [...(who.includes('a') ? 'ugo' : who)];
  const reach = named.reduce((bits, letter) => bits | (classOf(letter)?.bits ?? 0), 0);
  const onlyOthers = named.length > 0 && named.every(letter => letter === 'o');
  let bits = 0;
  let search = 0;
  const copies: ModeStep[] = [];
  for (const letter of action.slice(1)) {
    if (letter === 's' && !onlyOthers) bits |= 0o6000;
    else if (letter === 't' && !onlyOthers) bits |= sticky;
    else if (letter === 'X') search = how === '+' ? 0o111 : search;
    else if (classOf(letter) !== undefined) {
      const shifts = (named.length === 0 ? ['u', 'g', 'o'] : named).map(name => classOf(name).shift);
      copies.push({ kind: 'copy', from: classOf(letter).shift, shifts, how });
    } else bits |= letters[letter] ?? 0;
  }
  // `t` counts for whoever is named, and a clause without a name minds the umask.
  const masked = (wanted: number) => (reach === 0 ? wanted & ~umask : wanted & (reach | sticky));
  const steps: ModeStep[] = [];
  if (how === '=' && (copies.length === 0 || bits !== 0)) {
    steps.push({ kind: 'clear', bits: (reach === 0 ? standard : reach) | (bits & sticky) });
  }
  if (bits !== 0) steps.push({ kind: how === '-' ? 'clear' : 'set', bits: masked(bits) });
  if (search !== 0) steps.push({ kind: 'search', bits: masked(search) });
  return [...steps, ...copies];
}

/** The mode that `change` makes of `mode`. */
export function applyModeChange(change: ModeChange, mode: number, isFolder: boolean): number {
  if ('octal' in change) return change.octal;
  let result = mode;
  for (const step of change.steps) {
    if (step.kind === 'set') result |= step.bits;
    else if (step.kind === 'clear') result &= ~step.bits;
    else if (step.kind === 'copy') result = copyClass(result, step);
    else if (isFolder || (mode & 0o111) !== 0) result |= step.bits;
  }
  return result;
}

function copyClass(mode: number, step: ModeStep & { readonly kind: 'copy' }): number {
  const bits = (mode >> step.from) & 0o7;
  let result = mode;
  for (const shift of step.shifts) {
    if (step.how === '-') result &= ~(bits << shift);
    else result = (step.how === '=' ? result & ~(0o7 << shift) : result) | (bits << shift);
  }
  return result;
}
