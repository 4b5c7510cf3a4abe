import { spawn } from 'node:child_process';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

/** What a helper keeps of a registry; the user `<token>` marks an identity token. */
export interface HelperSecret {
  readonly username: string;
  readonly secret: string;
}

interface HelperAnswer {
  readonly code: number | null;
  readonly stdout: string;
}

/** Bytes of an answer that are looked at. */
const answerLimit = 1 << 20;

/** Runs `docker-credential-<suffix> <verb>`: https://github.com/docker/docker-credential-helpers#development */
async function runHelper(suffix: string, verb: string, input: string): Promise<HelperAnswer> {
  const program = `docker-credential-${suffix}`;
  if (!/^[\w.-]+$/.test(suffix)) {
    throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(suffix)} is no credential helper`, {
      remedy: 'credsStore and credHelpers name the part after docker-credential-.',
    });
  }
  return await new Promise((resolve, reject) => {
    const child = spawn(program, [verb], { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (out.length < answerLimit) out += chunk;
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', cause => {
      const why = systemErrorCode(cause) === 'ENOENT' ? 'is not in PATH' : `cannot be run: ${cause.message}`;
      const remedy = 'Install it, or take credsStore and credHelpers out of config.json.';
      reject(
        new HawserError('REQUIREMENT_MISSING', `the credential helper ${program} ${why}`, { cause, remedy }),
      );
    });
    child.once('close', code => resolve({ code, stdout: out }));
  });
}

function requireSuccess(suffix: string, key: string, { code, stdout }: HelperAnswer): void {
  if (code === 0) return;
  const said = stdout.trim().slice(0, 200) || `exit code ${code}`;
  throw new HawserError('UNAUTHORIZED', `docker-credential-${suffix} failed for ${key}: ${said}`, {
    remedy: 'Run the helper by hand to see why.',
  });
}

/** What the helper has for a registry. A failure is an error, never a reason to try another host's credentials. */
export async function getFromHelper(suffix: string, key: string): Promise<HelperSecret | undefined> {
  const answer = await runHelper(suffix, 'get', `${key}\n`);
  if (/credentials not found/i.test(answer.stdout)) return undefined;
  requireSuccess(suffix, key, answer);
  let body: { readonly Username?: unknown; readonly Secret?: unknown };
  try {
    body = JSON.parse(answer.stdout) as typeof body;
  } catch (cause) {
    throw new HawserError('UNAUTHORIZED', `docker-credential-${suffix} did not answer JSON for ${key}`, {
      cause,
    });
  }
  if (typeof body.Secret !== 'string' || body.Secret === '') return undefined;
  return { username: typeof body.Username === 'string' ? body.Username : '', secret: body.Secret };
}

export async function storeInHelper(
  suffix: string,
  key: string,
  { username, secret }: HelperSecret,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: key, Username: username, Secret: secret });
  requireSuccess(suffix, key, await runHelper(suffix, 'store', input));
}

/** @returns whether there was something */
export async function eraseFromHelper(suffix: string, key: string): Promise<boolean> {
  const found = await getFromHelper(suffix, key);
  requireSuccess(suffix, key, await runHelper(suffix, 'erase', `${key}\n`));
  return found !== undefined;
}
