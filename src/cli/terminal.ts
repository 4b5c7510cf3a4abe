/** Whether messages on stderr may move the cursor: DESIGN section 3. */
export function isLiveTerminal(stream: NodeJS.WriteStream = process.stderr): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb' && process.env.CI !== 'true';
}

/** Whether nobody has said that there be no colours: https://no-color.org */
export function wantsColour(): boolean {
  return (process.env.NO_COLOR ?? '') === '';
}

/** Whether text on the stream may have colours. */
export function mayColour(stream: NodeJS.WriteStream = process.stderr): boolean {
  return isLiveTerminal(stream) && wantsColour();
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, blue: 34, cyan: 36 } as const;

export type Colour = keyof typeof codes;

/** `text` in a colour, where `enabled`. */
export function paint(colour: Colour, text: string, enabled: boolean): string {
  return enabled ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}
