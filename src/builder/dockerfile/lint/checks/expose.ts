import type { ExposeInstruction } from '../../instructions.ts';
import type { Word } from '../../source.ts';
import { buildChecks } from '../build-checks.ts';
import { replaceIn, safeFix } from '../edits.ts';
import type { LineWork } from './line-work.ts';

export function checkExpose(line: ExposeInstruction, work: LineWork): void {
  for (const word of line.ports) {
    // EXPOSE reports no unknown variables
    const expansion = work.scope.peek(line.node, word);
    for (const port of expansion?.words ?? []) checkPort(line, { word, port }, work);
  }
}

function checkPort(
  { node }: ExposeInstruction,
  { word, port }: { readonly word: Word; readonly port: string },
  { linter }: LineWork,
): void {
  const container = port.slice(port.lastIndexOf(':') + 1);
  const [number = '', protocol = ''] = container.split('/');
  const lower = protocol.toLowerCase();
  const place = { node, range: word };
  // an edit can only mend what is written out
  const fix =
    port === word.text
      ? safeFix(replaceIn(node, word, lower === '' ? number : `${number}/${lower}`))
      : undefined;
  if (protocol !== lower) {
    linter.report(buildChecks.exposeProtoCasing, place, {
      message: `Defined protocol '${port}' in EXPOSE instruction should be lowercase`,
      ...fix,
    });
  }
  if (container !== port) {
    linter.report(buildChecks.exposeInvalidFormat, place, {
      message: `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`,
      hint: 'Ports of the host are chosen when the container is run: -p HOST:CONTAINER.',
      ...fix,
    });
  }
}
