function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some(word => word === '--help' || word === '-h');
}

/** Whether the words after a command's name ask for its help. */
export function asksForHelp(
  { id, rest }: { readonly id: string; readonly rest: readonly string[] },
  flags: Readonly<Record<string, { readonly char?: string }>> = {},
): boolean {
  const ownFlag = flags['hostname']?.char === 'h';
  return wantsHelp(ownFlag ? rest.filter(word => word !== '-h') : rest) && !passedThrough(id, rest);
}

/** Whether the help flag belongs to the program that `run` or `exec` starts: it comes after the first plain word. */
function passedThrough(id: string, rest: readonly string[]): boolean {
  if (!/^container:(run|create|exec)$/.test(id)) return false;
  const help = rest.findIndex(word => word === '--help' || word === '-h');
  return rest
    .slice(0, help)
    .some((word, index) => !word.startsWith('-') && !(rest[index - 1] ?? '').startsWith('-'));
}
