const [escape, bell] = ['\u001b', '\u0007'];
/** ECMA-48: control sequences, commands to the terminal, and escapes of two characters. */
const sequence = `${escape}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${bell}${escape}]*(?:${bell}|${escape}\\\\)?|[ -/]*[0-~])`;
const sequences = new RegExp(sequence, 'g');
/** All but those that set colours. */
const movements = new RegExp(`(?!${escape}\\[[0-9;:]*m)${sequence}`, 'g');
const controls = /[^\P{Cc}\t]/gu;
const controlsButEscape = new RegExp(`[^\\P{Cc}\\t${escape}]`, 'gu');
const endsPlain = new RegExp(`${escape}\\[0?m$`);

/**
 * What a terminal would leave of a line that a program wrote: without colours and movements, a tab as blanks, and of
 * what was overwritten after a carriage return the last.
 */
export function plainText(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text
    .slice(text.lastIndexOf('\r') + 1)
    .replaceAll(sequences, '')
    .replaceAll('\t', '    ')
    .replaceAll(/\p{Cc}/gu, '');
}

/**
 * A program's line for a log: what would move the cursor, clear the screen or ring goes; colours that may stay end with
 * the line.
 */
export function logText(line: string, colour: boolean): string {
  if (line.search(controls) === -1) return line;
  const text = line
    .replaceAll(colour ? movements : sequences, '')
    .replaceAll(colour ? controlsButEscape : controls, '');
  return !text.includes(escape) || endsPlain.test(text) ? text : `${text}${escape}[0m`;
}
