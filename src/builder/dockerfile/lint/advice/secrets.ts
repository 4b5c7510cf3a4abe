import type { StageInstruction } from '../../instructions.ts';
import type { Place } from '../linter.ts';
import type { ShellWord } from '../shell/parse-shell.ts';
import { adviceRules } from './advice-rules.ts';
import type { RunScript } from './run-script.ts';
import type { Survey } from './survey.ts';

/** Files that hold keys or passwords, by name. */
const files =
  /(?:^|\/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.npmrc|\.pypirc|\.netrc|\.git-credentials|\.pgpass|\.htpasswd|\.aws|\.ssh|\.kube|\.gnupg|\.docker\/config\.json|credentials(?:\.json)?|service-account[^/]*\.json|\.env(?:\.[\w-]+)?|[^/]*\.(?:pfx|p12|jks|keystore|kdbx|ppk)|[^/]*(?:private|secret)[^/]*\.(?:pem|key))$/i;
const examples = /\.(?:example|sample|template|dist)$/i;

/** What tokens of well known services look like, and keys. */
const tokens =
  /(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}|npm_[A-Za-z0-9]{30,}|sk_live_\w{16,}|AIza[\w-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY)/;
const credentials = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@$]+:([^/\s@$]+)@/i;
const named = /(?:^|[_-])(?:password|passwd|pwd|token|secret|api_?key|access_?key)(?:$|[_-])/i;

/** Secrets in COPY lines of the image, and in commands of any stage: those stand in the file itself. */
export function adviseSecrets(survey: Survey): void {
  for (const { stage, inImage, scripts } of survey.stages) {
    if (inImage) for (const line of stage.instructions) adviseCopy(line, survey);
    for (const script of scripts) adviseScript(script, survey);
  }
}

function adviseCopy(line: StageInstruction, survey: Survey): void {
  if (line.kind !== 'copy' && line.kind !== 'add') return;
  if (line.kind === 'copy' && line.from !== undefined) return;
  const source = line.sources.find(({ text }) => files.test(text) && !examples.test(text));
  if (source === undefined) return;
  const name = source.text.split('/').at(-1) ?? source.text;
  report(
    survey,
    { node: line.node, range: source },
    { what: `${source.text} is copied into the image`, id: name },
  );
}

function adviseScript(script: RunScript, survey: Survey): void {
  for (const { words, assignments } of script.shell.commands) {
    let previous: ShellWord | undefined;
    for (const word of [...assignments, ...words]) {
      const id = secretIn(word, previous);
      previous = word;
      if (id === undefined) continue;
      report(survey, script.place(word), { what: 'the command has a secret in it', id });
      return;
    }
  }
}

/** What to call the secret that a word is or has; undefined where it has none. */
function secretIn(word: ShellWord, previous: ShellWord | undefined): string | undefined {
  const { value, raw } = word;
  if (tokens.test(raw)) return 'token';
  if (value === undefined) return undefined;
  if (credentials.test(value)) return 'password';
  const [, name = '', given = ''] = /^(?:--?)?([A-Za-z][\w-]*)=(.+)$/.exec(value) ?? [];
  if (given !== '' && named.test(name)) return name.toLowerCase();
  const option = /^--([a-z][\w-]*)$/.exec(previous?.value ?? '')?.[1];
  return option !== undefined && named.test(option) && !value.startsWith('-') ? option : undefined;
}

function report(
  { linter }: Survey,
  place: Place,
  { what, id }: { readonly what: string; readonly id: string },
): void {
  linter.report(adviceRules.secretInLayer, place, {
    message: `${what}, and everybody who has it can read it`,
    hint: `Build with --secret id=${id},src=FILE, and mount it where it is used:`,
    mended: [`RUN --mount=type=secret,id=${id} COMMAND < /run/secrets/${id}`],
  });
}
